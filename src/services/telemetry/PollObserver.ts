/**
 * Is told of each status as it is measured, before core has it; does nothing unless somebody listens.
 *
 * The next check waits meanwhile, so whoever listens returns at once. What it throws costs a line in the log, no check.
 */
import { Context, Effect } from "effect"
import type { Polled } from "../../domain/events/outgoing/Polled.ts"

/** The name of each check's root span. */
export const pollSpan = "CheckScheduler.poll"

const nobody = (_polled: Polled): void => undefined

export const PollObserver = Context.Reference<(polled: Polled) => void>(
  "serviceradar/services/telemetry/PollObserver",
  { defaultValue: () => nobody }
)

/** Whether somebody listens. */
export const isTold = (context: Context.Context<never>): boolean => Context.get(context, PollObserver) !== nobody

export const tell = (polled: Polled): Effect.Effect<void> =>
  Effect.map(PollObserver, (observe) => observe(polled)).pipe(
    Effect.ignoreCause({ log: "Warn", message: "A status could not be told of" })
  )
