/**
 * One of many agents gets another address while a poller runs: nobody else is to notice. Five hundred with as many polls a
 * second as two thousand have, because so many take minutes to start: those with `RELOAD=whole`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { check, disturbance, nameOf, notingAgent, world } from "../support/pollerReload.ts"

const isWhole = process.env["RELOAD"] === "whole"
const agentsCount = isWhole ? 2_000 : 500
const intervalMillis = isWhole ? 20_000 : 5_000

describe(`A poller of ${agentsCount} agents`, () => {
  it.live("reads its file again, and disturbs none but the agent that is another one", () =>
    Effect.gen(function*() {
      const { agents, entries, program, polledOnTime, rounds, write } = yield* world({
        agents: agentsCount,
        pollInterval: `${intervalMillis}ms`
      })
      const [, ...others] = agents
      // The start of so many takes the machine a while; what is measured begins when all are polled on time.
      yield* polledOnTime(others, intervalMillis)
      const sinceMillis = yield* Clock.currentTimeMillis
      const moved = yield* notingAgent
      entries.set(nameOf(0), { address: moved.address, checks: [check("one"), check("two")] })
      yield* write()
      yield* Effect.all([rounds(1, [moved]), rounds(3, others)], { concurrency: 2, discard: true })

      assert.include(program.output(), "AgentAddressChanged")
      const disturbed = others.flatMap(({ polls }) => Option.toArray(disturbance(polls, sinceMillis, intervalMillis)))
      yield* Effect.logInfo(`${disturbed.length} of ${others.length} other agents were disturbed`)
      assert.deepStrictEqual(disturbed, [])
    }).pipe(Effect.scoped), 400_000)
})
