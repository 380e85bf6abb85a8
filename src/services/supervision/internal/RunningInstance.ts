/**
 * The one instance that runs of a value that is both a spec and a handle. There can be one at a time, because the handle
 * reaches only one.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class RunningInstance<A> {
  current: A | undefined = undefined

  /** Takes the place until the Scope closes; false when somebody has it. */
  enter(instance: A): Effect.Effect<boolean, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        if (this.current !== undefined) return false
        this.current = instance
        return true
      }),
      (isIn) =>
        Effect.sync(() => {
          if (isIn) this.current = undefined
        })
    )
  }
}
