import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Readiness from "../../../src/layers/http/Readiness.ts"

describe("Readiness", () => {
  it.effect("answers within its limit, also when a check cannot be stopped", () =>
    Effect.gen(function*() {
      const evaluating = yield* Effect.forkChild(
        Readiness.evaluate([
          { name: "database", ready: Effect.uninterruptible(Effect.sleep("1 minute")) },
          { name: "agents", ready: Effect.fail({ message: "none answers" }) },
          { name: "core", ready: Effect.void }
        ]),
        { startImmediately: true }
      )
      yield* TestClock.adjust("3 seconds")

      assert.deepStrictEqual(yield* Fiber.join(evaluating), {
        status: "not ready",
        checks: [
          { name: "database", ready: false, reason: "no answer within 3s" },
          { name: "agents", ready: false, reason: "none answers" },
          { name: "core", ready: true }
        ]
      })
    }))
})
