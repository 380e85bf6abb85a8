import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as QueryPlaces from "../../../src/layers/queries/QueryPlaces.ts"

const taken = Effect.fnUntraced(function*(places: QueryPlaces.Places, asker: string, most?: number) {
  const scope = yield* Scope.make()
  yield* Scope.provide(places.take(asker, most), scope)
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

  it.effect("go to askers in turns, and to fewer at once while there is less room", () =>
    Effect.gen(function*() {
      const places = QueryPlaces.make({ atOnce: 4 })
      const first = yield* taken(places, "a", 1)
      const order: Array<string> = []
      const waits = (asker: string, name: string, most?: number) =>
        Effect.forkChild(
          Effect.tap(
            taken(places, asker, most),
            ({ leave }) =>
              Effect.sync(() => order.push(name)).pipe(Effect.andThen(Effect.yieldNow), Effect.andThen(leave))
          )
        )
      const all = []
      for (const name of ["a1", "a2", "a3", "b1", "b2"]) all.push(yield* waits(name.charAt(0), name, 1))
      yield* Effect.yieldNow
      assert.strictEqual(places.taken(), 1)
      yield* first.leave
      for (const one of all) yield* Fiber.join(one)
      assert.deepStrictEqual(order, ["b1", "a1", "b2", "a2", "a3"])
      yield* taken(places, "a")
      yield* taken(places, "a")
      yield* taken(places, "b")
      assert.strictEqual(places.taken(), 3)
    }))

  it.effect("are not all one asker's either while there is room for two", () =>
    Effect.gen(function*() {
      const places = QueryPlaces.make({ atOnce: 4 })
      yield* taken(places, "a", 2)
      const second = yield* Effect.forkChild(taken(places, "a", 2))
      yield* Effect.yieldNow
      assert.strictEqual(places.taken(), 1)
      const other = yield* taken(places, "b", 2)
      assert.strictEqual(places.taken(), 2)
      yield* other.leave
      yield* Fiber.interrupt(second)
      assert.strictEqual(places.taken(), 1)
    }))
})
