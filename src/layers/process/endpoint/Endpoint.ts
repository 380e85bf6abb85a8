/**
 * Where a server is: an address that may come later and change. An embedded server publishes its address when it is ready,
 * and another one when it had to move to another port.
 */
import { Effect, Option, type Redacted, Stream, SubscriptionRef } from "effect"

export interface Endpoint {
  readonly publish: (url: Redacted.Redacted) => Effect.Effect<void>
  /** The current address, if any, and each other one that follows. */
  readonly urls: Stream.Stream<Redacted.Redacted>
}

/** With an address to begin with, or none until a server publishes its own. */
export const make = (url: Option.Option<Redacted.Redacted> = Option.none()): Effect.Effect<Endpoint> =>
  Effect.map(SubscriptionRef.make(url), (current) => ({
    publish: (next) => SubscriptionRef.set(current, Option.some(next)),
    urls: SubscriptionRef.changes(current).pipe(
      Stream.filter(Option.isSome),
      Stream.map((some) => some.value),
      Stream.changes
    )
  }))
