import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Ref } from "effect"
import { TestClock } from "effect/testing"
import * as AgentLink from "../../../../src/services/poller/AgentLink.ts"
import * as AgentHandover from "../../../../src/services/poller/handover/AgentHandover.ts"
import * as Lease from "../../../../src/services/poller/handover/Lease.ts"
import { agent, check, poller } from "../statuses.ts"

const linkOf = (names: ReadonlyArray<string>, lease = Lease.make()) =>
  AgentLink.make({
    agent: agent("agent-1", "192.0.2.1:50051", names.map((name) => check(name))),
    poller,
    pollInterval: Duration.seconds(30),
    lease
  })

const trackedOf = (link: AgentLink.AgentLink, name: string) => {
  const found = link.checks.find((one) => one.check.serviceName === name)
  return found ?? assert.fail(name)
}

const poll = (link: AgentLink.AgentLink, name: string, effect: Effect.Effect<unknown> = Effect.void) =>
  Lease.run(link.lease, trackedOf(link, name).runs, effect)

describe("An agent that goes from one poller to another", () => {
  it.effect("is due an interval after its last poll began, with what core knows of it", () =>
    Effect.gen(function*() {
      const old = linkOf(["a", "b"])
      yield* poll(old, "a")
      yield* Ref.set(trackedOf(old, "a").available, Option.some(false))
      yield* Ref.set(trackedOf(old, "a").sequence, "7")
      yield* TestClock.adjust("10 seconds")
      yield* poll(old, "b")
      yield* TestClock.adjust("5 seconds")
      const state = yield* AgentHandover.release(old)

      // In another order, with one that the old poller does not know.
      const taken = linkOf(["b", "new", "a"], Lease.make(false))
      yield* AgentHandover.adopt(taken, state)
      const due: Array<string> = []
      yield* Effect.forEach(taken.checks, ({ check, runs }) =>
        Effect.forkChild(
          Effect.andThen(
            Lease.untilDue(runs),
            Effect.sync(() => due.push(check.serviceName))
          ),
          {
            startImmediately: true
          }
        ))
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(due, ["new"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(due, ["new", "a"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(due, ["new", "a", "b"])
      assert.isTrue(taken.lease.isHeld.isOpen())
      assert.deepStrictEqual(yield* Ref.get(trackedOf(taken, "a").available), Option.some(false))
      assert.strictEqual(yield* Ref.get(trackedOf(taken, "a").sequence), "7")
    }))

  it.effect("is polled no more by the old one; a poll in flight ends, or is left to the new one after a second", () =>
    Effect.gen(function*() {
      const old = linkOf(["quick", "slow"])
      const ended: Array<string> = []
      const loop = (name: string, takes: Duration.Input) =>
        Effect.forever(
          poll(old, name, Effect.andThen(Effect.sleep(takes), Effect.sync(() => void ended.push(name)))).pipe(
            Effect.andThen(Effect.sleep("30 seconds"))
          )
        )
      const loops = Effect.all([loop("quick", "500 millis"), loop("slow", "20 seconds")], { concurrency: "unbounded" })
      yield* Effect.forkChild(Lease.whileHeld(old.lease, loops), { startImmediately: true })
      const releasing = yield* Effect.forkChild(AgentHandover.release(old), { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(ended, ["quick"])
      yield* TestClock.adjust("500 millis")
      const state = yield* Fiber.join(releasing)

      assert.deepStrictEqual(state.map(({ serviceName, sinceMillis }) => [`${serviceName}`, sinceMillis]), [
        ["quick", 1_000],
        ["slow", null]
      ])
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(ended, ["quick"])
    }))

  it.effect("is the old one's again, in its place in the interval, when it is taken back", () =>
    Effect.gen(function*() {
      const link = linkOf(["a"])
      const begun: Array<number> = []
      let at = 0
      const once = poll(link, "a", Effect.sync(() => void begun.push(at)))
      const loops = Effect.suspend(() =>
        Effect.andThen(
          Lease.untilDue(trackedOf(link, "a").runs),
          Effect.forever(Effect.andThen(once, Effect.sleep("30 seconds")))
        )
      )
      yield* Effect.forkChild(Lease.whileHeld(link.lease, loops), { startImmediately: true })
      const pass = (seconds: number) =>
        Effect.forEach(Array.from({ length: seconds }), () =>
          Effect.suspend(() => {
            at += 1
            return TestClock.adjust("1 second")
          }), { discard: true })
      yield* pass(10)
      yield* AgentHandover.release(link)
      yield* pass(5)
      yield* AgentHandover.takeBack(link)
      yield* pass(60)
      assert.deepStrictEqual(begun, [0, 30, 60])
    }))
})
