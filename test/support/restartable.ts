import { Effect, Exit, Ref, Scope } from "effect"

/** A server that can be taken away and brought back on the same port; gone for good when the scope closes. */
export const restartable = Effect.fnUntraced(function*<A, E>(serve: Effect.Effect<A, E, Scope.Scope>) {
  const owner = yield* Effect.scope
  const current = yield* Ref.make(yield* Scope.fork(owner))
  return {
    start: Effect.gen(function*() {
      const scope = yield* Scope.fork(owner)
      yield* Ref.set(current, scope)
      yield* Scope.provide(serve, scope)
    }),
    stop: Effect.flatMap(Ref.get(current), (scope) => Scope.close(scope, Exit.void))
  }
})
