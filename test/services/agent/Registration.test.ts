import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, References } from "effect"
import { TestClock } from "effect/testing"
import * as Registration from "../../../src/services/agent/Registration.ts"

const registry = () => {
  const calls = { registered: 0, deregistered: 0 }
  let isAway = false
  const of: Registration.PollerRegistry = {
    poller: "poller:50053",
    register: Effect.suspend(() => {
      if (isAway) return Effect.fail(new Registration.RegistrationError({ poller: "poller:50053", detail: "away" }))
      calls.registered += 1
      return Effect.succeed(Duration.seconds(30))
    }),
    deregister: Effect.sync(() => {
      calls.deregistered += 1
    })
  }
  const away = (is: boolean) => {
    isAway = is
  }
  return { calls, of, away }
}

describe("An agent that registers", () => {
  it.effect("does so three times within a lease, and leaves when it ends", () =>
    Effect.gen(function*() {
      const { calls, of } = registry()
      const fiber = yield* Effect.forkChild(Registration.keep(of), { startImmediately: true })
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(calls.registered, 7)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(calls, { registered: 7, deregistered: 1 })
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.effect("is there within a minute of the return of a poller that was away for an hour", () =>
    Effect.gen(function*() {
      const { away, calls, of } = registry()
      away(true)
      yield* Effect.forkChild(Registration.keep(of), { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(calls.registered, 0)
      away(false)
      yield* TestClock.adjust("40 seconds")
      assert.isAtLeast(calls.registered, 1)
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))
})
