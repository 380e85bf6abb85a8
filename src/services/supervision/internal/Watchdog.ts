/**
 * Notices a child that lives but makes no progress: two of its heartbeat periods without a beat.
 *
 * Who could not beat is not late. When the watchdog itself wakes up more than half a period late, the whole process
 * stood still (stopped, suspended, or blocked by a synchronous loop), and the child gets a new period from then on.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Silent periods tolerated. */
const periodsMax = 2

export interface Watched {
  /** Monotonic milliseconds. */
  readonly nowMillis: () => number
  /** When the child beat last; moved forward when it could not. */
  beatMillis: number
}

/** Returns when the child has been silent for too long. */
export const watch = (heartbeat: Duration.Input, child: Watched): Effect.Effect<void> => {
  const periodMillis = Duration.toMillis(Duration.fromInputUnsafe(heartbeat))
  const check: Effect.Effect<void> = Effect.suspend(() => {
    const beganMillis = child.nowMillis()
    const leftMillis = periodsMax * periodMillis - (beganMillis - child.beatMillis)
    if (leftMillis <= 0) return Effect.void
    const waitMillis = Math.min(leftMillis, periodMillis / 2)
    const wake = Effect.suspend(() => {
      const nowMillis = child.nowMillis()
      if (nowMillis - beganMillis - waitMillis > periodMillis / 2) {
        child.beatMillis = Math.max(child.beatMillis, nowMillis - (periodsMax - 1) * periodMillis)
      }
      return check
    })
    return Effect.andThen(Effect.sleep(waitMillis), wake)
  })
  return check
}
