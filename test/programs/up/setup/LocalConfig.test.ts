import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import * as ConfigDocument from "../../../../src/domain/config/ConfigDocument.ts"
import * as CoreConfig from "../../../../src/domain/core/CoreConfig.ts"
import * as PollerConfig from "../../../../src/domain/poller/PollerConfig.ts"
import * as LocalConfig from "../../../../src/programs/up/setup/LocalConfig.ts"
import * as Ports from "../../../../src/programs/up/setup/Ports.ts"
import * as Relocation from "../../../../src/programs/up/setup/Relocation.ts"

const nothing = { ports: [], processes: [], pingable: [] }

const checksOf = (files: LocalConfig.LocalConfigFiles) => files.poller.agents[LocalConfig.agentId]?.checks ?? []

const pollerOf = (files: LocalConfig.LocalConfigFiles) => {
  const decoded = ConfigDocument.decode(PollerConfig.PollerConfigFile, JSON.stringify(files.poller))
  return PollerConfig.fromFile(Result.getOrThrow(decoded).value)
}

describe("LocalConfig", () => {
  it("has at least eight checks on a machine with nothing else, whoever has the database", () => {
    assert.isAtLeast(checksOf(LocalConfig.make(nothing, Ports.usual, true)).length, 8)
    assert.isAtLeast(checksOf(LocalConfig.make(nothing, Ports.usual, false)).length, 8)
  })

  it("is accepted by the programs without a warning", () => {
    const files = LocalConfig.make(nothing, Ports.usual, true)

    const warnings = [
      Result.getOrThrow(ConfigDocument.decode(PollerConfig.PollerConfigFile, JSON.stringify(files.poller))).warnings,
      Result.getOrThrow(ConfigDocument.decode(AgentConfig.AgentConfigFile, JSON.stringify(files.agent))).warnings,
      Result.getOrThrow(ConfigDocument.decode(CoreConfig.CoreConfigFile, JSON.stringify(files.core))).warnings
    ].flat()

    assert.deepStrictEqual(warnings, [])
  })

  it("monitors what was found, each service once", () => {
    const facts = {
      ports: [
        { port: 22, host: "127.0.0.1", name: "ssh" },
        { port: 80, host: "::1", name: "http" },
        { port: 8080, host: "127.0.0.1", name: "http" }
      ],
      processes: ["nginx"],
      pingable: [{ name: "gateway", address: "192.0.2.1" }]
    }

    const found = checksOf(LocalConfig.make(facts, Ports.usual, true)).slice(-4)

    assert.deepStrictEqual(found, [
      { service_type: "icmp", service_name: "ping-gateway", details: "192.0.2.1", interval: "10s" },
      { service_type: "port", service_name: "ssh", details: "127.0.0.1:22" },
      { service_type: "port", service_name: "http", details: "[::1]:80" },
      { service_type: "process", service_name: "nginx", details: "nginx" }
    ])
  })

  it("names the ports it was written for", () => {
    const ports = { coreGrpc: 1001, coreHttp: 1002, agentGrpc: 1003, pollerGrpc: 1004, postgres: 1005 }

    const read = Relocation.portsOf(pollerOf(LocalConfig.make(nothing, ports, true)), LocalConfig.agentId, 1002)

    assert.deepStrictEqual(read, ports)
  })

  it("moves with its ports, and only where it means its own", () => {
    const facts = { ...nothing, ports: [{ port: 8090, host: "192.0.2.9", name: "other" }] }
    const poller = pollerOf(LocalConfig.make(facts, Ports.usual, true))
    const ports = { ...Ports.usual, coreHttp: 18_090, agentGrpc: 15_051 }

    const moved = Relocation.poller(poller, LocalConfig.agentId, ports, Ports.moved(Ports.usual, ports))

    const details = new Map(moved.agents[0]?.checks.map((check) => [String(check.serviceName), check.details]))
    assert.strictEqual(moved.agents[0]?.address, "127.0.0.1:15051")
    assert.strictEqual(details.get("core-live"), "http://127.0.0.1:18090/health/live")
    assert.strictEqual(details.get("agent-grpc"), "127.0.0.1:15051")
    assert.strictEqual(details.get("core-grpc"), "127.0.0.1:50052")
    assert.strictEqual(details.get("other"), "192.0.2.9:8090")
  })
})
