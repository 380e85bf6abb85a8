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

export const tell = (polled: Polled): Effect.Effect<void> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const observe = Context.get(context, PollObserver)
    return observe === nobody
      ? Effect.void
      : Effect.ignoreCause(Effect.sync(() => observe(polled)), {
        log: "Warn",
        message: "A status could not be told of"
      })
  })
