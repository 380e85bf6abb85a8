import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as TestClock from "effect/testing/TestClock"
import * as NameLookup from "../../../src/layers/probes/NameLookup.ts"

const address = [{ address: "192.0.2.1", family: 4 }]

/** Hangs for names that begin with `slow` until told otherwise, as a resolver whose server is away. */
const resolver = () => {
  const release = Deferred.makeUnsafe<void>()
  let running = 0
  let runningMax = 0
  const resolve: NameLookup.Resolver = (name) =>
    Effect.gen(function*() {
      running += 1
      runningMax = Math.max(runningMax, running)
      if (name.startsWith("slow")) yield* Deferred.await(release)
      running -= 1
      return address
    })
  return { resolve, release: Deferred.succeed(release, undefined), runningMax: () => runningMax }
}

describe("NameLookup", () => {
  it.effect("asks nobody for an address", () =>
    Effect.gen(function*() {
      const names = yield* NameLookup.make(() => Effect.die("asked"))

      yield* names.resolve("127.0.0.1")
      yield* names.resolve("::1")
    }))

  it.effect("occupies few threads with a resolver that hangs, and answers everybody in time", () =>
    Effect.gen(function*() {
      const hanging = resolver()
      const names = yield* NameLookup.make(hanging.resolve)
      const asked = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => `slow-${index}`),
        (name) => Effect.forkChild(Effect.flip(names.resolve(name)), { startImmediately: true })
      )

      yield* TestClock.adjust("10 seconds")
      const errors = yield* Effect.forEach(asked, Fiber.join)
      yield* hanging.release
      const healthy = yield* names.resolve("quick")

      assert.strictEqual(hanging.runningMax(), 2)
      assert.isTrue(errors.every((error) => error.reason === "the name was not resolved within 10s"))
      assert.deepStrictEqual(healthy, address)
    }))

  it.effect("asks once for a name that many want, and again afterwards", () => {
    let asked = 0
    return Effect.gen(function*() {
      const names = yield* NameLookup.make(() =>
        Effect.suspend(() => {
          asked += 1
          return Effect.as(Effect.sleep("1 second"), address)
        })
      )
      const impatient = yield* Effect.forkChild(names.resolve("example.org"), { startImmediately: true })
      const waiting = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => Effect.forkChild(names.resolve("example.org"), { startImmediately: true })
      )

      yield* Fiber.interrupt(impatient)
      yield* TestClock.adjust("1 second")
      yield* Effect.forEach(waiting, Fiber.join)
      const again = yield* Effect.forkChild(names.resolve("example.org"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(again)

      assert.strictEqual(asked, 2)
    })
  })
})
