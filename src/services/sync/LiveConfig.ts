/** The configuration that holds now. It can be replaced while the service runs; whoever works by it reads it each time. */
import { Context, Effect, Layer, type Stream, SubscriptionRef } from "effect"
import type { SyncConfig } from "../../domain/sync/SyncConfig.ts"

export class LiveConfig extends Context.Service<LiveConfig, {
  readonly current: Effect.Effect<SyncConfig>
  /** The one that holds now, then each that takes its place. */
  readonly changes: Stream.Stream<SyncConfig>
  readonly replace: (config: SyncConfig) => Effect.Effect<void>
}>()("serviceradar-effect/services/sync/LiveConfig") {
  static readonly layer = (config: SyncConfig) =>
    Layer.effect(
      this,
      Effect.map(SubscriptionRef.make(config), (ref) => ({
        current: SubscriptionRef.get(ref),
        changes: SubscriptionRef.changes(ref),
        replace: (next: SyncConfig) => SubscriptionRef.set(ref, next)
      }))
    )
}
