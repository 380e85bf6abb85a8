import { assert, describe, it } from "@effect/vitest"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import * as AgentChange from "../../../../src/domain/agent/reload/AgentChange.ts"
import { ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"

const config = (file: AgentConfig.AgentConfigFile, checkers: Readonly<Record<string, string>> = {}) => ({
  ...AgentConfig.fromFile(file),
  checkers: Object.entries(checkers).map(([name, address]) => ({
    name,
    type: "grpc",
    address,
    security: undefined,
    details: undefined
  }))
})

const tags = (from: AgentConfig.AgentConfig, to: AgentConfig.AgentConfig) =>
  AgentChange.diff(from, to).map((change) =>
    "name" in change ? `${change._tag} ${change.name}` : "key" in change ? `${change._tag} ${change.key}` : change._tag
  )

const registration = (address: string, names: ReadonlyArray<string>) => ({
  registration: {
    poller_address: address,
    checks: names.map((name) => ({ service_type: ServiceType.make("port"), service_name: ServiceName.make(name) }))
  }
})

describe("What another configuration asks of an agent", () => {
  it("is nothing for the same one, whatever the order of its checkers", () => {
    const file = { agent_id: "a", checkers_dir: "/c", plugins: { dir: "/p" }, ...registration("p:1", ["ssh"]) }
    assert.deepStrictEqual(tags(config(file, { a: "h:1", b: "h:2" }), config(file, { b: "h:2", a: "h:1" })), [])
  })

  it("names the checkers that are new, others or gone, and nobody else", () => {
    assert.deepStrictEqual(
      tags(config({}, { a: "h:1", b: "h:2", c: "h:3" }), config({}, { a: "h:1", b: "h:9", d: "h:4" })),
      [
        "CheckerChanged b",
        "CheckerRemoved c",
        "CheckerAdded d"
      ]
    )
  })

  it("tells what is applied at once from what needs another start", () => {
    assert.deepStrictEqual(
      tags(
        config({ agent_id: "a", ...registration("p:1", ["ssh"]) }),
        config({
          agent_id: "b",
          host_ip: "192.0.2.1",
          availability: "go",
          logging: { level: "debug" },
          ...registration("p:1", ["ssh", "web"])
        })
      ),
      [
        "AvailabilityChanged",
        "OfferedChecksChanged",
        "LogLevelChanged",
        "RestartNeeded agent_id",
        "RestartNeeded host_ip"
      ]
    )
    assert.deepStrictEqual(tags(config(registration("p:1", [])), config(registration("p:2", ["ssh"]))), [
      "RestartNeeded registration"
    ])
  })
})
