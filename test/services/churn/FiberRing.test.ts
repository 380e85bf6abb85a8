import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import * as FiberRing from "../../../src/services/churn/FiberRing.ts"

class Name extends Context.Service<Name, string>()("test/Name") {}

describe("FiberRing", () => {
  it.effect("runs with what its maker had", () =>
    Effect.gen(function*() {
      const { run } = yield* FiberRing.make<Name>()

      const fiber = run(Effect.map(Name, (name) => `I am ${name}`))

      assert.strictEqual(yield* Fiber.join(fiber), "I am here")
    }).pipe(Effect.scoped, Effect.provideService(Name, "here")))

  it.effect("interrupts what runs when it is cleared, waits for its end, and runs on", () =>
    Effect.gen(function*() {
      const ring = yield* FiberRing.make()
      const ended: Array<string> = []
      const waiting = (name: string) =>
        Effect.onInterrupt(Effect.never, () => Effect.andThen(Effect.yieldNow, Effect.sync(() => ended.push(name))))
      ring.run(waiting("first"))
      ring.run(Effect.void)
      ring.run(waiting("second"))
      yield* Effect.yieldNow

      yield* ring.clear

      assert.deepStrictEqual(ended, ["first", "second"])
      assert.strictEqual(yield* Fiber.join(ring.run(Effect.succeed("later"))), "later")
    }).pipe(Effect.scoped))

  it.effect("ends with its scope, after which nothing runs", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { run } = yield* Scope.provide(scope)(FiberRing.make())
      const begun = yield* Deferred.make<void>()
      const running = run(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      yield* Deferred.await(begun)

      yield* Scope.close(scope, Exit.void)
      let hasRun = false
      const after = run(Effect.sync(() => {
        hasRun = true
      }))

      assert.isTrue(Exit.isFailure(yield* Fiber.await(running)))
      assert.isTrue(Exit.isFailure(yield* Fiber.await(after)))
      assert.isFalse(hasRun)
    }))
})
