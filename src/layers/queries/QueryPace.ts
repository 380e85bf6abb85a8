/**
 * How fast answers are read: as fast as they come, but while reports of pollers keep this process busy, see `Precedence`, all
 * answers together have no more than a few megabytes a second. Whoever is not read is not computed either: PostgreSQL waits for
 * its reader.
 */
import { Clock, Duration, Effect, Option } from "effect"
import { Precedence } from "../../services/queries/Precedence.ts"

/** So much of the time has other work been under way, when queries give way to it. */
const pressedFrom = 0.4
/** About a twentieth of what this thread could send. */
const bytesPerSecond = 2 * 2 ** 20

export interface QueryPace {
  /** Whether queries are to give way now. */
  readonly isPressed: Effect.Effect<boolean>
  /** After so many bytes of an answer, in its own time. What has no end is refused by others, and costs nothing here. */
  readonly spend: (bytes: number) => Effect.Effect<void>
}

export const make: Effect.Effect<QueryPace> = Effect.map(
  Effect.serviceOption(Precedence),
  (precedence) => {
    const isPressed = Option.match(precedence, {
      onNone: () => Effect.succeed(false),
      onSome: ({ load }) => Effect.map(load, (share) => share >= pressedFrom)
    })
    /** When all that was spent under pressure is paid for. */
    let paidMillis = 0
    return {
      isPressed,
      spend: (bytes) =>
        Effect.flatMap(isPressed, (pressed) =>
          pressed && Number.isFinite(bytes)
            ? Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => {
              paidMillis = Math.max(paidMillis, nowMillis) + bytes * 1000 / bytesPerSecond
              return Effect.sleep(Duration.millis(paidMillis - nowMillis))
            })
            : Effect.void)
    }
  }
)
