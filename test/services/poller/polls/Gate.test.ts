import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Gate } from "../../../../src/services/poller/polls/Gate.ts"

const settle = TestClock.adjust(0)

describe("Gate", () => {
  it.effect("lets go who waits when it opens, and holds up nobody while it is open", () =>
    Effect.gen(function*() {
      const gate = new Gate()
      const waiting = yield* Effect.forkChild(gate.await, { startImmediately: true })
      yield* settle
      assert.isUndefined(waiting.pollUnsafe())
      yield* gate.open
      yield* Fiber.join(waiting)
      yield* gate.await
      yield* gate.close
      const next = yield* Effect.forkChild(gate.await, { startImmediately: true })
      yield* settle
      assert.isUndefined(next.pollUnsafe())
      gate.openUnsafe()
      yield* Fiber.join(next)
    }))

  it.effect("lets go those who wait now without opening", () =>
    Effect.gen(function*() {
      const gate = new Gate()
      const now = yield* Effect.forkChild(gate.await, { startImmediately: true })
      gate.releaseUnsafe()
      yield* Fiber.join(now)
      assert.isFalse(gate.isOpen())
      const later = yield* Effect.forkChild(gate.await, { startImmediately: true })
      yield* settle
      assert.isUndefined(later.pollUnsafe())
    }))

  it("calls once, at once while it is open, and nobody who no longer waits", () => {
    const gate = new Gate(true)
    const told: Array<string> = []
    gate.whenOpen(() => told.push("open"))
    gate.closeUnsafe()
    gate.whenOpen(() => told.push("waited"))
    gate.whenOpen(() => told.push("gone"))()
    gate.openUnsafe()
    gate.closeUnsafe()
    gate.openUnsafe()
    assert.deepStrictEqual(told, ["open", "waited"])
  })
})
