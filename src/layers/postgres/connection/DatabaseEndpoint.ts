/**
 * Where the database is.
 *
 * A value that may come later and change: an embedded server publishes its address when it is ready, and another one
 * when it had to move to another port.
 */
import { Context, Effect, Layer, Option, type Redacted, Stream, SubscriptionRef } from "effect"

export class DatabaseEndpoint extends Context.Service<DatabaseEndpoint, {
  readonly publish: (url: Redacted.Redacted) => Effect.Effect<void>
  /** The current address, if any, and each other one that follows. */
  readonly urls: Stream.Stream<Redacted.Redacted>
}>()("serviceradar/layers/postgres/DatabaseEndpoint") {
  /** With an address to begin with, or none until a server publishes its own. */
  static readonly layer = (url: Option.Option<Redacted.Redacted> = Option.none()) =>
    Layer.effect(
      DatabaseEndpoint,
      Effect.map(SubscriptionRef.make(url), (current) =>
        DatabaseEndpoint.of({
          publish: (next) => SubscriptionRef.set(current, Option.some(next)),
          urls: SubscriptionRef.changes(current).pipe(
            Stream.filter(Option.isSome),
            Stream.map((some) => some.value),
            Stream.changes
          )
        }))
    )
}
