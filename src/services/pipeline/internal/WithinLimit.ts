/**
 * Ends at a limit whatever the effect does: one that cannot be interrupted goes on alone, and its end is heard by nobody.
 * What ends at once costs no timer.
 */
import { Cause, type Duration, Effect, Fiber } from "effect"

export const withinLimit = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  limit: Duration.Duration
): Effect.Effect<A, E | Cause.TimeoutError, R> =>
  Effect.uninterruptible(
    Effect.flatMap(Effect.forkDetach(Effect.interruptible(self), { startImmediately: true }), (fiber) => {
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      return Effect.timeoutOrElse(Effect.interruptible(Fiber.join(fiber)), {
        duration: limit,
        orElse: () => {
          fiber.interruptUnsafe()
          return Effect.fail(new Cause.TimeoutError())
        }
      })
    })
  )
