/**
 * Lets all streams end together: a supervisor stops its children one after the other, and seven drains in a row would
 * take longer than a stop may.
 *
 * The streams get `limit` to store and settle what they hold; what is in hand then is given back, as it would be for ever
 * while the database is away.
 */
import { Duration, Effect, Latch, type Scope } from "effect"

const limit = Duration.seconds(5)

export class JointDrain {
  readonly #drains = new Set<Effect.Effect<void>>()
  readonly #over = Latch.makeUnsafe(false)

  /** Takes part for as long as the scope is open. */
  join(drain: Effect.Effect<void>): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => {
        // A new life of all streams.
        if (this.#drains.size === 0) this.#over.closeUnsafe()
        this.#drains.add(drain)
      }),
      () => Effect.sync(() => this.#drains.delete(drain))
    ))
  }

  /** Drains all streams when its scope closes. */
  readonly atEnd: Effect.Effect<void, never, Scope.Scope> = Effect.addFinalizer(() =>
    Effect.suspend(() => Effect.forEach([...this.#drains], (drain) => drain, { concurrency: "unbounded" })).pipe(
      Effect.interruptible,
      Effect.timeoutOption(limit),
      Effect.andThen(Effect.sync(() => this.#over.openUnsafe()))
    )
  )

  /** Interrupts what is not done when the time is over. */
  within<A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.raceFirst(work, Effect.andThen(this.#over.await, Effect.interrupt))
  }
}
