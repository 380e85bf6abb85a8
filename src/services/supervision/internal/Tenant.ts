/** What runs a value that is both a spec and the way to what it runs: one at a time, for callers can reach only one. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export class Tenant<A> {
  current: A | undefined = undefined

  /** Takes the place until the Scope closes; false when somebody has it. */
  enter(tenant: A): Effect.Effect<boolean, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        if (this.current !== undefined) return false
        this.current = tenant
        return true
      }),
      (isIn) =>
        Effect.sync(() => {
          if (isIn) this.current = undefined
        })
    )
  }
}
