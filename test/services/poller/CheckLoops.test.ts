import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import * as CheckLoops from "../../../src/services/poller/CheckLoops.ts"
import { agent, check, poller } from "./statuses.ts"

/** Checks by name, each on the interval of so many seconds that its name ends with; what `poll` does is up to the test. */
const looping = Effect.fnUntraced(function*(
  names: ReadonlyArray<string>,
  poll: (name: string) => Effect.Effect<unknown> = () => Effect.void
) {
  const link = AgentLink.make({
    agent: agent("agent-1", "192.0.2.1:50051", names.map((name) => check(name))),
    poller,
    pollInterval: Duration.seconds(30)
  })
  const begun: Array<string> = []
  const late: Array<number> = []
  const start = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(
    CheckLoops.run(link, {
      intervalOf: ({ serviceName }) => Option.some(Duration.seconds(Number(serviceName.split(" ").at(-1)))),
      onTick: (lateMillis) => void late.push(lateMillis),
      poll: ({ check }) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          begun.push(`${check.serviceName} at ${(now - start) / 1_000}`)
          return poll(check.serviceName)
        })
    }),
    { startImmediately: true }
  )
  return { begun, fiber, late, link }
})

describe("The loops of an agent's checks", () => {
  it.effect("run each check on its own interval, however long another takes", () =>
    Effect.gen(function*() {
      const { begun, late } = yield* looping(
        ["a 10", "b 15", "slow 10"],
        (name) => name === "slow 10" ? Effect.sleep("25 seconds") : Effect.void
      )
      yield* TestClock.adjust("31 seconds")

      assert.deepStrictEqual(begun, [
        "a 10 at 0",
        "b 15 at 0",
        "slow 10 at 0",
        "a 10 at 10",
        "b 15 at 15",
        "a 10 at 20",
        "a 10 at 30",
        "b 15 at 30",
        "slow 10 at 30"
      ])
      assert.deepStrictEqual(new Set(late), new Set([0]))
    }))

  it.effect("fail with a poll that does, and cut off the others", () =>
    Effect.gen(function*() {
      let isCutOff = false
      const { fiber } = yield* looping(["bad 10", "slow 10"], (name) =>
        name === "bad 10"
          ? Effect.andThen(Effect.sleep("1 second"), Effect.die("a bug"))
          : Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              isCutOff = true
            })))
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.await(fiber)

      assert.include(String(exit), "a bug")
      assert.isTrue(isCutOff)
    }))

  it.effect("begin anew when something else is known of the agent, and wait for none of it afterwards", () =>
    Effect.gen(function*() {
      const { begun, fiber, link } = yield* looping(["a 10"])
      yield* TestClock.adjust("4 seconds")
      yield* AgentLink.beginAnew(link)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(begun, ["a 10 at 0", "a 10 at 4", "a 10 at 14"])
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(begun, 3)
      assert.strictEqual(link.followers.size + link.lease.abandoning.size, 0)
    }))
  it.effect("run no later than either interval when that is another one again and again", () =>
    Effect.gen(function*() {
      const link = AgentLink.make({
        agent: agent("agent-1", "192.0.2.1:50051", [check("a")]),
        poller,
        pollInterval: Duration.seconds(30)
      })
      const begun: Array<number> = []
      const start = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.forkChild(
        CheckLoops.run(link, {
          intervalOf: (_, { pollInterval }) => Option.some(pollInterval),
          poll: () => Effect.map(Clock.currentTimeMillis, (now) => begun.push((now - start) / 1_000))
        }),
        { startImmediately: true }
      )
      for (const seconds of [27, 30, 27, 30]) {
        yield* TestClock.adjust("20 seconds")
        yield* AgentLink.revise(link, { ...link.terms, pollInterval: Duration.seconds(seconds) })
      }
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.interrupt(fiber)

      assert.deepStrictEqual(begun, [0, 30, 60, 90])
    }))
})
