/** How long a child with a shutdown limit of zero is waited for: some turns of the scheduler, and no time. */
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
