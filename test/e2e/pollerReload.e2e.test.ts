/** `serviceradar poller` whose configuration file changes while it runs. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import * as FakeDataService from "../fixtures/FakeDataService.ts"
import { check, disturbance, nameOf, notingAgent, world } from "../support/pollerReload.ts"

const intervalMillis = 2_000

describe("serviceradar poller", () => {
  it.live("takes up what is new in its file, and disturbs no agent of which nothing is", () =>
    Effect.gen(function*() {
      const { agents, entries, polled, polledOnTime, program, put, rounds, write } = yield* world({
        agents: 30,
        pollInterval: `${intervalMillis}ms`
      })
      const [first, second, third, ...others] = agents
      if (first === undefined || second === undefined || third === undefined) return assert.fail("no agents")
      yield* polledOnTime(agents, intervalMillis)
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

  it.live("follows the documents of the key-value store that lie over its file", () =>
    Effect.gen(function*() {
      const store = yield* FakeDataService.serve
      const key = "config/pollers/poller-1.json"
      const checksOf = (...names: ReadonlyArray<string>) =>
        JSON.stringify({ agents: { [nameOf(0)]: { checks: names.map(check) } } })
      store.put("config/poller.json", JSON.stringify({ partition: "site-a" }))
      store.put(key, checksOf("one", "two", "stored"))
      const { agents, core, polled, program, rounds } = yield* world({
        agents: 3,
        pollInterval: `${intervalMillis}ms`,
        env: { CONFIG_SOURCE: "kv", KV_ADDRESS: store.address, KV_SEC_MODE: "none" }
      })
      const [first, ...others] = agents
      if (first === undefined) return assert.fail("no agents")
      yield* rounds(3)
      const sinceMillis = yield* Clock.currentTimeMillis
      assert.include(first.polls.map(({ service }) => service).slice(0, 3), "stored")

      store.put(key, checksOf("one", "two", "newer"))
      yield* polled("the newer check", () => first.polls.some(({ service }) => service === "newer"))
      const stored = () => first.polls.filter(({ service }) => service === "stored").length
      const storedBefore = stored()
      store.put(key, JSON.stringify({ poll_interval: "soon" }))
      yield* polled("the complaint", () =>
        program.output().includes(`with key config/poller.json, key ${key} over it: poll_interval`))
      yield* rounds(2, others)

      assert.strictEqual(stored(), storedBefore)
      assert.deepStrictEqual(
        new Set(core.received.flatMap(({ services }) =>
          services.map((one) => one.partition)
        )),
        new Set(["site-a"])
      )
      assert.deepStrictEqual(
        others.flatMap(({ polls }) => Option.toArray(disturbance(polls, sinceMillis, intervalMillis))),
        []
      )
    }).pipe(Effect.scoped), 120_000)
})
