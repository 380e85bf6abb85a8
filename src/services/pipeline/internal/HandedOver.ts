/**
 * Runs an effect and hands its value over in the very step in which it ends.
 *
 * A fiber may give way, and be interrupted, between the end of an effect and whatever comes after it; a value that was
 * only on its way then is lost. The observer of a fiber runs in the fiber's last step, so nothing fits in between.
 */
import { Effect, Exit, Fiber } from "effect"

export const handedOver = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  take: (value: A) => void
): Effect.Effect<void, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkChild(self), (fiber) => {
      fiber.addObserver((exit) => {
        if (Exit.isSuccess(exit)) take(exit.value)
      })
      return Effect.asVoid(Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interrupt(fiber)))
    })
  )
