import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import type { Check } from "../../../../src/domain/monitoring/checks/Check.ts"
import { AgentId, Partition, PollerId, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import * as CleanText from "../../../../src/domain/monitoring/reports/CleanText.ts"
import * as PolledStatus from "../../../../src/domain/monitoring/reports/PolledStatus.ts"
import type { StatusSource } from "../../../../src/domain/monitoring/reports/ServiceStatus.ts"
import { agent, check, poller, textOf } from "../../../services/poller/statuses.ts"

const subject = (
  options: { source?: StatusSource; name?: string } & Partial<Check> = {}
): PolledStatus.PollSubject => {
  const { name, source, ...rest } = options
  return {
    poller: { ...poller, kvStoreId: "leaf" },
    agentId: agent("edge-1", "", []).agentId,
    host: { ip: Option.some("198.51.100.7"), name: "edge" },
    check: check(name ?? "ssh", { details: "", ...rest }),
    source: source ?? "getStatus"
  }
}

const reply = (message: string, agentId = ""): PolledStatus.Reply => ({
  available: true,
  message: new TextEncoder().encode(message),
  responseTimeNanos: 7n,
  agentId
})

describe("PolledStatus", () => {
  it("reports a reply enriched and in its envelope", () => {
    const { message, ...status } = PolledStatus.fromReply(subject(), reply("{\"port\":22}"))
    const envelope = JSON.parse(new TextDecoder().decode(message))

    assert.deepStrictEqual(status, {
      serviceName: check("ssh").serviceName,
      serviceType: check("ssh").serviceType,
      available: true,
      responseTimeNanos: 7n,
      agentId: agent("edge-1", "", []).agentId,
      ...poller,
      source: "getStatus",
      kvStoreId: "leaf"
    })
    assert.deepStrictEqual([envelope.agent_id, envelope.data.port, envelope.data.host_ip], [
      "edge-1",
      22,
      "198.51.100.7"
    ])
  })

  it("makes the very document that existing pollers make of a port check", () => {
    const status = PolledStatus.fromReply(
      {
        poller: {
          pollerId: PollerId.make("edge-poller-1"),
          partition: Partition.make("site-a"),
          kvStoreId: "leaf-001"
        },
        agentId: AgentId.make("edge-agent-1"),
        host: { ip: Option.some("198.51.100.7"), name: "agent.example.net" },
        check: check("ssh", { details: "192.0.2.10:22" }),
        source: "getStatus"
      },
      reply("{\"host\":\"192.0.2.10\",\"port\":22,\"response_time\":812345}", "edge-agent-1")
    )
    const host = `"host_ip":"192.0.2.10","ip":"192.0.2.10","host_name":"192.0.2.10","hostname":"192.0.2.10"`

    assert.strictEqual(
      textOf(status),
      `{"poller_id":"edge-poller-1","agent_id":"edge-agent-1","partition":"site-a","service_type":"port",` +
        `"service_name":"ssh","data":{"host":"192.0.2.10","port":22,"response_time":812345,${host},"status":{${host}}}}`
    )
  })

  it("makes the same document of a large message as of a small one, whatever it holds", () => {
    const pad = "x".repeat(10_000)
    const documents = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("status", "ip", "host_ip", "hostname", "host_name")),
      fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }), fc.constantFrom("", { ip: "" }, null))
    )
    fc.assert(fc.property(documents, fc.constantFrom("", " \n"), fc.boolean(), (document, space, isMarked) => {
      const mark = isMarked ? "\u{FEFF}" : ""
      const text = (padding: object) => `${mark}${space}${JSON.stringify({ ...document, ...padding })}${space}`
      const dataOf = (message: string) => JSON.parse(textOf(PolledStatus.fromReply(subject(), reply(message)))).data

      const { zz_pad: padding, ...large } = dataOf(text({ zz_pad: pad }))

      assert.strictEqual(padding, pad)
      const { zz_pad: _, ...small } = dataOf(text({ zz_pad: "" }))
      assert.deepStrictEqual(large, small)
    }))
  })

  it("takes the agent's own id when it gives a usable one", () => {
    assert.strictEqual(PolledStatus.fromReply(subject(), reply("{}", "other")).agentId, "other")
    assert.strictEqual(PolledStatus.fromReply(subject(), reply("{}", "x".repeat(300))).agentId, "edge-1")
  })

  it("turns results of a check named sync into a bare inventory, and leaves its status alone", () => {
    const sync = { name: "armis-sync", serviceType: ServiceType.make("grpc") }
    const inventory = PolledStatus.fromReply(subject({ ...sync, source: "results" }), reply("[1]"))
    const health = PolledStatus.fromReply(subject(sync), reply("{}"))

    assert.deepStrictEqual([inventory.serviceType, textOf(inventory)], ["sync", "[1]"])
    assert.strictEqual(health.serviceType, "grpc")
  })

  it("reports every failure as well-formed JSON, unavailable and without a response time", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom<StatusSource>("getStatus", "results"),
        (text, source) => {
          const status = PolledStatus.fromFailure(subject({ source }), text)
          const { data } = JSON.parse(textOf(status))
          assert.strictEqual(data.error, CleanText.clean(text))
          assert.deepStrictEqual([status.available, status.responseTimeNanos], [false, 0n])
        }
      )
    )
  })
})
