import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { AgentId } from "../../../../src/domain/monitoring/Ids.ts"
import type { Arrival } from "../../../../src/domain/poller/discovery/Arrival.ts"
import * as ArrivalTable from "../../../../src/domain/poller/discovery/ArrivalTable.ts"

const arrival = (id: string, of: Partial<Arrival> = {}): Arrival => ({
  agentId: AgentId.make(id),
  address: "192.0.2.1:50051",
  source: "registration",
  identity: "agent.serviceradar",
  version: "1",
  capabilities: [],
  checks: [],
  ...of
})

const rules: ArrivalTable.Rules = { agentsMax: () => 2, isConfigured: (agentId) => agentId === "in-the-file" }

const announced = (...all: ReadonlyArray<readonly [Arrival, number]>) =>
  all.reduce(
    (table, [one, expiresMillis]) => Result.getOrThrow(ArrivalTable.announce(table, one, expiresMillis, rules)),
    ArrivalTable.empty
  )

const idsOf = (table: ArrivalTable.ArrivalTable) => ArrivalTable.arrivals(table).map(({ agentId }) => agentId)

describe("Agents that came by themselves", () => {
  it("are there until their lease ends, and longer when they are heard of again", () => {
    const table = announced([arrival("a"), 10], [arrival("b"), 10], [arrival("a"), 20])
    assert.deepStrictEqual(idsOf(ArrivalTable.expire(table, 9)), ["a", "b"])
    assert.deepStrictEqual(idsOf(ArrivalTable.expire(table, 10)), ["a"])
    assert.deepStrictEqual(idsOf(ArrivalTable.expire(table, 20)), [])
  })

  it("are no news when they only say the same again", () => {
    const before = announced([arrival("a"), 10])
    const after = Result.getOrThrow(ArrivalTable.announce(before, arrival("a"), 20, rules))
    const moved = Result.getOrThrow(ArrivalTable.announce(before, arrival("a", { address: "192.0.2.2:1" }), 20, rules))
    assert.isTrue(ArrivalTable.isSame(before, after))
    assert.isFalse(ArrivalTable.isSame(before, moved))
  })

  it("take no id of somebody else, of the file, and no place that is not there", () => {
    const table = announced([arrival("a"), 10], [arrival("b"), 10])
    const refusal = (one: Arrival) => Result.getFailure(ArrivalTable.announce(table, one, 10, rules))
    assert.deepStrictEqual(refusal(arrival("a", { identity: "thief" })), refusal(arrival("a", { source: "nats" })))
    assert.include(JSON.stringify(refusal(arrival("a", { identity: "thief" }))), "taken")
    assert.include(JSON.stringify(refusal(arrival("in-the-file"))), "configured")
    assert.include(JSON.stringify(refusal(arrival("c"))), "full")
    assert.isTrue(
      Result.isFailure(ArrivalTable.withdraw(table, AgentId.make("a"), { identity: "thief", source: "registration" }))
    )
  })

  it("of a list are those that are in it now, and the others stay", () => {
    const listed = (id: string) => arrival(id, { source: "dns", identity: "" })
    const first = ArrivalTable.replace(announced([arrival("a"), 10]), "dns", [listed("a"), listed("b")], rules)
    assert.deepStrictEqual(idsOf(first), ["a", "b"])
    const second = ArrivalTable.replace(first, "dns", [listed("c")], rules)
    assert.deepStrictEqual(idsOf(second), ["a", "c"])
    assert.deepStrictEqual(idsOf(ArrivalTable.expire(second, 1e15)), ["c"])
  })
})
