import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import { Places } from "../../../../src/services/poller/polls/Places.ts"

describe("Places", () => {
  it.effect("are given to those that wait in the order in which they came", () =>
    Effect.gen(function*() {
      const places = new Places(1)
      const order: Array<string> = []
      const one = (name: string) => places.with(Effect.sync(() => void order.push(name)))
      assert.isTrue(places.enter())
      assert.isFalse(places.enter())

      const fibers = yield* Effect.forEach(["first", "second"], (name) =>
        Effect.forkChild(one(name), { startImmediately: true }))
      assert.deepStrictEqual(order, [])
      places.leave()
      yield* Effect.forEach(fibers, Fiber.join)

      assert.deepStrictEqual(order, ["first", "second"])
      assert.isTrue(places.enter())
    }))

  it.effect("are left by who is cut off, with a place and while waiting for one", () =>
    Effect.gen(function*() {
      const places = new Places(1)
      const inside = Latch.makeUnsafe()
      const holder = yield* Effect.forkChild(places.with(Effect.andThen(inside.open, Effect.never)))
      yield* inside.await
      const waiting = yield* Effect.forkChild(places.with(Effect.void), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.isFalse(places.enter())
      yield* Fiber.interrupt(holder)

      assert.isTrue(places.enter())
      assert.isFalse(places.enter())
    }))
})
