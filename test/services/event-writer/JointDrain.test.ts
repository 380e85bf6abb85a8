import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { JointDrain } from "../../../src/services/event-writer/JointDrain.ts"

/** Closes the scope, which takes as long as the drains do. */
const stop = (scope: Scope.Closeable) => Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })

describe("JointDrain", () => {
  it.effect("drains all streams at once when it ends", () =>
    Effect.gen(function*() {
      const joint = new JointDrain()
      const ended: Array<string> = []
      const drain = (name: string) => Effect.andThen(Effect.sleep("3 seconds"), Effect.sync(() => ended.push(name)))
      for (const name of ["LOGS", "EVENTS", "SWEEP"]) yield* joint.join(Effect.asVoid(drain(name)))
      const scope = yield* Scope.make()
      yield* Scope.provide(joint.atEnd, scope)

      const stopping = yield* stop(scope)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(stopping)

      assert.deepStrictEqual(ended, ["LOGS", "EVENTS", "SWEEP"])
    }).pipe(Effect.scoped))

  it.effect("interrupts what is in hand when the time is over, and not before", () =>
    Effect.gen(function*() {
      const joint = new JointDrain()
      yield* joint.join(Effect.never)
      const scope = yield* Scope.make()
      yield* Scope.provide(joint.atEnd, scope)
      const quick = yield* Effect.forkChild(joint.within(Effect.as(Effect.sleep("4 seconds"), "stored")))
      const waiting = yield* Effect.forkChild(joint.within(Effect.never))

      const stopping = yield* stop(scope)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(yield* Fiber.join(quick), "stored")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(stopping)

      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(waiting)))
    }).pipe(Effect.scoped))

  it.effect("lets a next life of the streams work", () =>
    Effect.gen(function*() {
      const joint = new JointDrain()
      const life = yield* Scope.make()
      yield* Scope.provide(joint.join(Effect.void), life)
      yield* Scope.provide(joint.atEnd, life)
      yield* Scope.close(life, Exit.void)

      yield* joint.join(Effect.void)
      const release = yield* Deferred.make<string>()
      const work = yield* Effect.forkChild(joint.within(Deferred.await(release)))
      yield* Deferred.succeed(release, "stored")

      assert.strictEqual(yield* Fiber.join(work), "stored")
    }).pipe(Effect.scoped))
})
