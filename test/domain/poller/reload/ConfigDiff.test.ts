import { assert, describe, it } from "@effect/vitest"
import { Duration, Option } from "effect"
import * as fc from "fast-check"
import * as ConfigDiff from "../../../../src/domain/poller/reload/ConfigDiff.ts"
import * as fleet from "../../../fixtures/fleet.ts"
import { agent, check } from "../../../services/poller/statuses.ts"
import { anyConfig } from "./configs.ts"

const of = (...agents: Parameters<typeof fleet.config>[0]) => fleet.config(agents, { pollInterval: "30 seconds" })

const tags = (...[before, next]: Parameters<typeof ConfigDiff.between>) =>
  ConfigDiff.between(before, next).map(({ _tag }) => _tag)

describe("ConfigDiff", () => {
  it("leaves nothing to do but what needs a restart, between any two configurations", () => {
    fc.assert(
      fc.property(anyConfig, anyConfig, (before, next) => {
        const changes = ConfigDiff.between(before, next)
        const applied = ConfigDiff.apply(before, changes)

        assert.deepStrictEqual(
          ConfigDiff.between(applied, next),
          changes.filter(({ _tag }) => _tag === "RestartNeeded")
        )
        assert.deepStrictEqual(ConfigDiff.apply(before, []), before)
      }),
      { numRuns: 500 }
    )
  })

  it("finds nothing between a configuration and itself, in whatever order it names agents", () => {
    fc.assert(fc.property(anyConfig, (config) => {
      assert.deepStrictEqual(ConfigDiff.between(config, { ...config, agents: config.agents.toReversed() }), [])
    }))
  })

  it("keeps the agents that nothing new is said of as the very same values", () => {
    fc.assert(fc.property(anyConfig, anyConfig, (before, next) => {
      const changes = ConfigDiff.between(before, next)
      const touched = new Set(changes.flatMap((change) => {
        if (change._tag === "AgentAdded") return [change.agent.agentId]
        if (change._tag === "SecurityChanged") return Option.toArray(change.agentId)
        return "agentId" in change ? [change.agentId] : []
      }))
      const old = new Map(before.agents.map((one) => [one.agentId, one]))
      for (const one of ConfigDiff.apply(before, changes).agents) {
        if (!touched.has(one.agentId)) assert.strictEqual(one, old.get(one.agentId))
      }
    }))
  })

  it("names the change of an agent by what it reaches", () => {
    const before = of(agent("a", "agent:1", [check("ssh"), check("web")]), agent("b", "agent:2", []))

    assert.deepStrictEqual(
      tags(before, of(agent("a", "agent:9", [check("ssh"), check("web")]), agent("b", "agent:2", []))),
      [
        "AgentAddressChanged"
      ]
    )
    assert.deepStrictEqual(tags(before, of(agent("a", "agent:1", [check("ssh"), check("web")]))), ["AgentRemoved"])
    assert.deepStrictEqual(tags(before, { ...before, pollInterval: Duration.seconds(60) }), ["PollIntervalChanged"])
    const [change] = ConfigDiff.between(
      before,
      of(agent("a", "agent:1", [check("dns"), check("web", { details: "192.0.2.9:80" })]), agent("b", "agent:2", []))
    )
    assert.deepInclude(change, { _tag: "ChecksChanged", added: ["dns"], changed: ["web"], removed: ["ssh"] })
  })

  it("sees no difference in the order of checks, and each of those of one name", () => {
    const before = of(agent("a", "agent:1", [check("ssh"), check("web"), check("web", { details: "192.0.2.9:80" })]))

    assert.deepStrictEqual(
      tags(before, of(agent("a", "agent:1", [check("web"), check("web", { details: "192.0.2.9:80" }), check("ssh")]))),
      []
    )
    const [change] = ConfigDiff.between(before, of(agent("a", "agent:1", [check("ssh"), check("web")])))
    assert.deepInclude(change, { _tag: "ChecksChanged", added: [], changed: [], removed: ["web"] })
  })

  it("says when a fleet becomes so large that its polls are spread", () => {
    const many = (count: number) =>
      of(...Array.from({ length: count }, (_, index) => agent(`a-${index}`, "agent:1", [])))

    assert.deepStrictEqual(tags(many(255), many(256)), ["SpreadChanged", "AgentAdded"])
    assert.deepStrictEqual(tags(many(256), many(257)), ["AgentAdded"])
  })
})
