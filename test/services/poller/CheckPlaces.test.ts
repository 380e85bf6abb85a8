import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import * as AgentLink from "../../../src/services/poller/AgentLink.ts"
import { Places } from "../../../src/services/poller/polls/Places.ts"
import { agent, check, poller } from "./statuses.ts"

const linkOf = (name: string, checks: number, places: Option.Option<Places> = Option.none()) =>
  AgentLink.make({
    agent: agent(name, "agent:1", Array.from({ length: checks }, (_, index) => check(`check-${index}`))),
    poller,
    pollInterval: Duration.seconds(30),
    places
  })

/** All checks of the agents at once, each for a second: how many were asked for at the same time, and how many in all. */
const asking = Effect.fnUntraced(function*(links: ReadonlyArray<AgentLink.AgentLink>) {
  const seen = { now: 0, most: 0, done: 0 }
  const poll = Effect.gen(function*() {
    seen.now += 1
    seen.most = Math.max(seen.most, seen.now)
    yield* Effect.sleep("1 second")
    seen.now -= 1
    seen.done += 1
  })
  const all = links.flatMap((link) => link.checks.map(() => AgentLink.inPlace(link, poll)))
  yield* Effect.forkChild(Effect.all(all, { concurrency: "unbounded", discard: true }), { startImmediately: true })
  yield* TestClock.adjust("1 minute")
  return seen
})

describe("Checks that are asked for at once", () => {
  it.effect("are as many as an agent has, up to 64", () =>
    Effect.gen(function*() {
      const few = yield* asking([linkOf("a", 64)])
      const many = yield* asking([linkOf("a", 300)])

      assert.deepStrictEqual(few, { now: 0, most: 64, done: 64 })
      assert.deepStrictEqual(many, { now: 0, most: 64, done: 300 })
    }))

  it.effect("are bounded among all agents, and those that wait at one take no place from others", () =>
    Effect.gen(function*() {
      const places = Option.some(new Places(80))
      const seen = yield* asking([linkOf("large", 200, places), linkOf("b", 10, places), linkOf("c", 10, places)])

      assert.deepStrictEqual(seen, { now: 0, most: 80, done: 220 })
    }))
})
