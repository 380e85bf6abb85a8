import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../../src/domain/monitoring/Ids.ts"
import * as Envelope from "../../../../../src/domain/monitoring/reports/envelope/Envelope.ts"

const ids = (serviceType: string): Envelope.EnvelopeIds => ({
  pollerId: PollerId.make("edge \"poller\""),
  agentId: AgentId.make("edge-1"),
  partition: Partition.make("site-a"),
  serviceType: ServiceType.make(serviceType),
  serviceName: ServiceName.make("ssh")
})

const wrap = (serviceType: string, text: string): string =>
  new TextDecoder().decode(Envelope.wrap(ids(serviceType), new TextEncoder().encode(text)))

describe("Envelope", () => {
  it("carries every JSON document unchanged, and every other text as a message", () => {
    fc.assert(fc.property(fc.json(), (json) => {
      assert.deepStrictEqual(JSON.parse(wrap("port", json)).data, JSON.parse(json))
    }))
    fc.assert(fc.property(fc.string({ minLength: 1 }).map((text) => `<${text}`), (text) => {
      assert.deepStrictEqual(JSON.parse(wrap("port", text)).data, { message: text })
    }))
  })

  it("carries what is nested deeper than its readers go as a message, and brackets in texts however many", () => {
    const deep = "[".repeat(5_000) + "]".repeat(5_000)
    const texts = JSON.stringify({ a: "[\"".repeat(5_000), b: [[1]] })
    assert.deepStrictEqual(JSON.parse(wrap("port", deep)).data, { message: deep })
    assert.deepStrictEqual(JSON.parse(wrap("port", texts)).data, JSON.parse(texts))
  })

  it("names the ids core reads", () => {
    assert.deepStrictEqual(JSON.parse(wrap("port", "{\"port\":22}")), {
      poller_id: "edge \"poller\"",
      agent_id: "edge-1",
      partition: "site-a",
      service_type: "port",
      service_name: "ssh",
      data: { port: 22 }
    })
  })

  it("keeps numbers that JavaScript cannot hold", () => {
    assert.include(wrap("snmp", "{\"octets\":18446744073709551615}"), "18446744073709551615")
  })

  it("takes an empty message as an empty document and leaves inventories unwrapped", () => {
    assert.deepStrictEqual(JSON.parse(wrap("port", "")).data, {})
    assert.strictEqual(wrap("sync", "[1]"), "[1]")
  })
})
