/**
 * Is told of each status as it is measured, before core has it; does nothing unless somebody listens.
 *
 * The next check waits meanwhile, so whoever listens returns at once and never throws.
 */
import { Context } from "effect"
import type { Polled } from "../../domain/events/outgoing/Polled.ts"

export const PollObserver = Context.Reference<(polled: Polled) => void>(
  "serviceradar/services/poller/PollObserver",
  { defaultValue: () => () => undefined }
)
