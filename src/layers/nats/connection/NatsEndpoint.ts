/**
 * Where NATS is.
 *
 * A value that may come later and change: an embedded server publishes its address when it is ready, and another one
 * when it had to move to another port.
 */
import { Context, Effect, Layer, Option, type Redacted, Stream, SubscriptionRef } from "effect"

export class NatsEndpoint extends Context.Service<NatsEndpoint, {
  readonly publish: (url: Redacted.Redacted) => Effect.Effect<void>
  /**
   * The current address, if any, and each other one that follows. As in `NATS_URL`: one or several `nats://` or `tls://`
   * addresses separated by commas, which may name a user and a password.
   */
  readonly urls: Stream.Stream<Redacted.Redacted>
}>()("serviceradar/layers/nats/NatsEndpoint") {
  /** With an address to begin with, or none until a server publishes its own. */
  static readonly layer = (url: Option.Option<Redacted.Redacted> = Option.none()) =>
    Layer.effect(
      NatsEndpoint,
      Effect.map(SubscriptionRef.make(url), (current) =>
        NatsEndpoint.of({
          publish: (next) => SubscriptionRef.set(current, Option.some(next)),
          urls: SubscriptionRef.changes(current).pipe(
            Stream.filter(Option.isSome),
            Stream.map((some) => some.value),
            Stream.changes
          )
        }))
    )
}
