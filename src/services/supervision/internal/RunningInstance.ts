/**
 * The one instance that runs of a value that is both a spec and a handle. There can be one at a time, because the handle
 * reaches only one. The same instance may enter again, as the successor of a life that was left behind does.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class RunningInstance<A> {
  current: A | undefined = undefined
  private entered = 0

  /** Takes the place until the Scope closes; false when somebody has it. */
  enter(instance: A): Effect.Effect<boolean, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        if (this.current !== undefined && this.current !== instance) return false
        this.current = instance
        this.entered += 1
        return true
      }),
      (isIn) =>
        Effect.sync(() => {
          if (!isIn) return
          this.entered -= 1
          if (this.entered === 0) this.current = undefined
        })
    )
  }
}
