/**
 * Keeps an agent registered at its poller: again within each lease, and as long as the poller is away or refuses it with
 * longer and longer pauses. An agent that ends says so.
 */
import { Duration, Effect, Ref, Schema } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"

export class RegistrationError extends Schema.TaggedError<RegistrationError>()("RegistrationError", {
  poller: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the poller at ${this.poller} does not register this agent: ${this.detail}`
  }
}

export interface PollerRegistry {
  readonly poller: string
  /** For how long. */
  readonly register: Effect.Effect<Duration.Duration, RegistrationError>
  readonly deregister: Effect.Effect<void, RegistrationError>
}

const again = Backoff.capped({ from: "500 millis", to: "30 seconds" })
/** Two attempts may be lost. */
const perLease = 3
const pauseMin = Duration.seconds(1)
const goodbye = Duration.seconds(2)

/** Never ends by itself. */
export const keep = Effect.fnUntraced(function*({ deregister, poller, register }: PollerRegistry) {
  const trouble = yield* Ref.make("")
  const isKnown = yield* Ref.make(false)
  const once = register.pipe(
    Effect.tapError(({ message }) =>
      Effect.flatMap(
        Ref.getAndSet(trouble, message),
        (before) => before === message ? Effect.void : Effect.logWarning(`${message}; trying again`)
      )
    ),
    Effect.retry(again),
    // The schedule has no end, which its type cannot say.
    Effect.orDie,
    Effect.tap(Effect.fnUntraced(function*() {
      const wasTroubled = (yield* Ref.getAndSet(trouble, "")) !== ""
      const wasKnown = yield* Ref.getAndSet(isKnown, true)
      if (!wasKnown || wasTroubled) yield* Effect.logInfo(`registered at the poller at ${poller}`)
    }))
  )
  const cycle = Effect.flatMap(
    once,
    (lease) => Effect.sleep(Duration.max(pauseMin, Duration.divideUnsafe(lease, perLease)))
  )
  return yield* Effect.forever(cycle).pipe(
    Effect.onInterrupt(() => Effect.ignore(Effect.timeoutOption(deregister, goodbye)))
  )
})
