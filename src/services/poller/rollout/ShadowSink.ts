/** Where a shadow's lines go. */
import { Context, type Effect, type Option } from "effect"

export class ShadowSink extends Context.Service<ShadowSink, {
  /** Whole lines; what cannot be written is counted and lost. */
  readonly write: (lines: string) => Effect.Effect<void>
  /** Why lines are lost now. */
  readonly trouble: Effect.Effect<Option.Option<string>>
}>()("serviceradar/services/poller/rollout/ShadowSink") {}
