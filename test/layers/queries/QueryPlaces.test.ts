import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as QueryPlaces from "../../../src/layers/queries/QueryPlaces.ts"

const taken = Effect.fnUntraced(function*(places: QueryPlaces.Places, asker: string) {
  const scope = yield* Scope.make()
  yield* Scope.provide(places.take(asker), scope)
  return { leave: Scope.close(scope, Exit.void) }
})

describe("Places of queries", () => {
  it.effect("are never all one asker's, and go to the longest waiting who may have them", () =>
    Effect.gen(function*() {
      const places = QueryPlaces.make({ atOnce: 3 })
      const { leave } = yield* taken(places, "a")
      yield* taken(places, "a")
      const order: Array<string> = []
      const waits = (asker: string, name: string) =>
        Effect.forkChild(Effect.tap(taken(places, asker), () => Effect.sync(() => order.push(name))))
      const third = yield* waits("a", "a3")
      const fourth = yield* waits("a", "a4")
      yield* Effect.yieldNow
      assert.strictEqual(places.taken(), 2)
      const other = yield* taken(places, "b")
      assert.strictEqual(places.taken(), 3)
      const fifth = yield* waits("c", "c")
      yield* Effect.yieldNow
      assert.deepStrictEqual(order, [])
      yield* other.leave
      yield* Fiber.join(fifth)
      yield* leave
      yield* (yield* Fiber.join(third)).leave
      yield* Fiber.join(fourth)
      assert.deepStrictEqual(order, ["c", "a3", "a4"])
    }))

  it.effect("are given up by who waits too long, or leaves; who finds too many waiting is refused at once", () =>
    Effect.gen(function*() {
      const places = QueryPlaces.make({ atOnce: 1, patienceSeconds: 10, waitingMax: 2 })
      const { leave } = yield* taken(places, "a")
      const patient = yield* Effect.forkChild(Effect.flip(taken(places, "b")))
      const leaving = yield* Effect.forkChild(taken(places, "c"))
      yield* Effect.yieldNow
      const refused = yield* Effect.flip(taken(places, "d"))
      assert.include(refused.message, "1 queries are being answered")
      yield* Fiber.interrupt(leaving)
      yield* TestClock.adjust("10 seconds")
      assert.include((yield* Fiber.join(patient)).message, "as many as may be at once")
      yield* leave
      assert.strictEqual(places.taken(), 0)
      yield* (yield* taken(places, "e")).leave
      assert.strictEqual(places.taken(), 0)
    }))
})
