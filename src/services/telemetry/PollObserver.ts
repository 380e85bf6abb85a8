/**
 * Is told of each status as it is measured, before core has it; does nothing unless somebody listens.
 *
 * The next check waits meanwhile, so whoever listens returns at once. What it throws costs a line in the log, no check.
 */
import { Context, Effect } from "effect"
import type { Polled } from "../../domain/events/outgoing/Polled.ts"

/** The name of each check's root span. */
export const pollSpan = "CheckScheduler.poll"

export const PollObserver = Context.Reference<(polled: Polled) => void>(
  "serviceradar/services/telemetry/PollObserver",
  { defaultValue: () => () => undefined }
)

export const tell = (polled: Polled): Effect.Effect<void> =>
  Effect.map(PollObserver, (observe) => observe(polled)).pipe(
    Effect.ignoreCause({ log: "Warn", message: "A status could not be told of" })
  )
