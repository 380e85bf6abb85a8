/** Notices a child that lives but makes no progress: two of its heartbeat periods without a beat. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Silent periods tolerated. */
const periodsMax = 2

/** Returns when the child has been silent for too long. `silentMillis` is the time since its last beat. */
export const watch = (heartbeat: Duration.Input, silentMillis: () => number): Effect.Effect<void> => {
  const limitMillis = periodsMax * Duration.toMillis(Duration.fromInputUnsafe(heartbeat))
  const check: Effect.Effect<void> = Effect.suspend(() => {
    const leftMillis = limitMillis - silentMillis()
    return leftMillis <= 0 ? Effect.void : Effect.andThen(Effect.sleep(leftMillis), check)
  })
  return check
}
