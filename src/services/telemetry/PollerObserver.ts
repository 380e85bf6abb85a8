/** Is told of each poller that comes, goes or returns; does nothing unless somebody listens. */
import { Context, Effect } from "effect"
import type { PollerChange } from "../../domain/monitoring/reports/PollerPresence.ts"

export interface ToldChange extends PollerChange {
  /** Webhooks are told as well. */
  readonly isAlerted: boolean
}

export const PollerObserver = Context.Reference<(change: ToldChange) => void>(
  "serviceradar/services/telemetry/PollerObserver",
  { defaultValue: () => () => undefined }
)

export const tell = (change: ToldChange): Effect.Effect<void> =>
  Effect.map(PollerObserver, (observe) => observe(change)).pipe(
    Effect.ignoreCause({ log: "Warn", message: "A poller could not be told of" })
  )
