/** The little time that a child with a shutdown limit of zero has: turns of the scheduler, none of the clock. */
import * as Effect from "effect/Effect"
import * as Shutdown from "../../../../domain/supervision/Shutdown.ts"

/** Gives way until `hasEnded`, at most `Shutdown.brutalTurns` times. */
export const brutalStop = (hasEnded: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    let left = Shutdown.brutalTurns
    return Effect.whileLoop({
      while: () => left > 0 && !hasEnded(),
      body: () => Effect.yieldNow,
      step: () => {
        left -= 1
      }
    })
  })
