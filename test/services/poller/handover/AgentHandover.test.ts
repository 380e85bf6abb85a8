import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Option, Ref } from "effect"
import { TestClock } from "effect/testing"
import * as AgentLink from "../../../../src/services/poller/AgentLink.ts"
import * as CheckLoops from "../../../../src/services/poller/CheckLoops.ts"
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

const poll = (link: AgentLink.AgentLink, name: string) => Lease.run(link.lease, trackedOf(link, name).runs, Effect.void)

/** Every 30 s; `poll` by the check's name. */
const loops = (link: AgentLink.AgentLink, poll: (name: string) => Effect.Effect<unknown>) =>
  Effect.forkChild(
    CheckLoops.run(link, {
      intervalOf: () => Option.some(Duration.seconds(30)),
      poll: ({ check }) => poll(check.serviceName)
    }),
    { startImmediately: true }
  )

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
      taken.isKnown.openUnsafe()
      yield* loops(taken, (name) => Effect.sync(() => due.push(name)))
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
      yield* loops(old, (name) =>
        Effect.andThen(
          Effect.sleep(name === "quick" ? "500 millis" : "20 seconds"),
          Effect.sync(() => void ended.push(name))
        ))
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
      const start = yield* Clock.currentTimeMillis
      yield* loops(link, () => Effect.map(Clock.currentTimeMillis, (now) => void begun.push((now - start) / 1_000)))
      yield* TestClock.adjust("10 seconds")
      yield* AgentHandover.release(link)
      yield* TestClock.adjust("5 seconds")
      yield* AgentHandover.takeBack(link)
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(begun, [0, 30, 60])
    }))
})
