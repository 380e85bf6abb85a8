/** `serviceradar poller` whose configuration file changes while it runs. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { check, disturbance, nameOf, notingAgent, world } from "../support/pollerReload.ts"

const intervalMillis = 1_000

describe("serviceradar poller", () => {
  it.live("takes up what is new in its file, and disturbs no agent of which nothing is", () =>
    Effect.gen(function*() {
      const { agents, entries, polled, program, put, rounds, write } = yield* world({
        agents: 30,
        pollInterval: `${intervalMillis}ms`
      })
      const [first, second, third, ...others] = agents
      if (first === undefined || second === undefined || third === undefined) return assert.fail("no agents")
      yield* rounds(3)
      const sinceMillis = yield* Clock.currentTimeMillis

      // Another check here, another address there, one agent gone and one new.
      const moved = yield* notingAgent
      const young = yield* notingAgent
      entries.set(nameOf(0), { address: first.address, checks: [check("one"), check("two"), check("three")] })
      entries.set(nameOf(1), { address: moved.address, checks: [check("one"), check("two")] })
      entries.delete(nameOf(2))
      entries.set("young", { address: young.address, checks: [check("one"), check("two")] })
      yield* write()
      yield* polled("the new check", () => first.polls.some(({ service }) => service === "three"))
      yield* rounds(2, [moved, young])
      const polledBefore = [second, third].map(({ polls }) => polls.length)
      yield* rounds(3, [first, ...others])

      assert.deepStrictEqual([second, third].map(({ polls }) => polls.length), polledBefore)
      assert.deepStrictEqual(
        [first, ...others].flatMap(({ polls }) => Option.toArray(disturbance(polls, sinceMillis, intervalMillis))),
        []
      )

      // What cannot be used changes nothing and is told; so does what is the same.
      yield* put("{ \"poller_id\": ")
      yield* polled("the complaint", () => program.output().includes("cannot be used: "))
      yield* write({ poll_interval: "soon" })
      yield* polled("the next", () => program.output().includes("poll_interval is \\\"soon\\\""))
      yield* rounds(2, [first, ...others])
      yield* write()
      yield* polled("that nothing is new", () => program.output().includes("was read again: nothing is new"))
      yield* write({ logging: { level: "debug" } })
      yield* program.kill("SIGHUP")
      yield* polled("another level", () => program.output().includes("LogLevelChanged"))
      yield* rounds(1, [first, ...others])

      assert.deepStrictEqual(
        [first, ...others].flatMap(({ polls }) => Option.toArray(disturbance(polls, sinceMillis, intervalMillis))),
        []
      )
      assert.isTrue(program.isRunning())
    }).pipe(Effect.scoped), 180_000)
})
