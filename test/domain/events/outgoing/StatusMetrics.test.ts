import { assert, describe, it } from "@effect/vitest"
import * as StatusMetrics from "../../../../src/domain/events/outgoing/StatusMetrics.ts"
import { jsonText } from "../../../../src/domain/events/rows/Table.ts"
import { rows } from "./decoding.ts"
import { type Facts, measuredAtMillis, polled } from "./polled.ts"

const decoded = (facts: Facts) =>
  StatusMetrics.make(polled(facts)).flatMap((message) => rows("timeseries_metrics", message).rows)

const valuesOf = (facts: Facts) =>
  decoded(facts).map((
    { metric_name, tags, unit, value }
  ) => [metric_name, value, unit, JSON.parse(jsonText(tags ?? "{}"))])

const port = { service_type: "port", service_name: "ssh" }
const sysmon = { service_type: "sysmon", service_name: "host" }

describe("StatusMetrics", () => {
  it("tells whether a service is there and how long it took", () => {
    assert.deepStrictEqual(valuesOf({}), [
      ["service_available", 1, "1", port],
      ["service_response_time_seconds", 0.0015, "s", port]
    ])
  })

  it("measures no time of a service that is down", () => {
    assert.deepStrictEqual(valuesOf({ available: false }), [["service_available", 0, "1", port]])
  })

  it("names poller, agent, device and partition on every metric", () => {
    const [row] = decoded({})

    assert.deepInclude(row, {
      tenant_id: "default",
      timestamp: measuredAtMillis * 1_000,
      gateway_id: "poller-1",
      agent_id: "agent-1",
      device_id: "site-a:192.0.2.7",
      target_device_ip: "192.0.2.7",
      partition: "site-a",
      metric_type: "gauge",
      is_delta: false
    })
  })

  it("takes the agent's host for the device of what the agent finds on its own host", () => {
    assert.deepStrictEqual(
      decoded({ type: "process", details: "node.js" }).map((row) => row.device_id),
      ["site-a:192.0.2.1", "site-a:192.0.2.1"]
    )
  })

  it("names no device for a target that only the agent resolves", () => {
    assert.deepStrictEqual(decoded({ details: "db.internal:5432" }).map((row) => row.device_id), [null, null])
  })

  it("finds the address in a URL", () => {
    const [row] = decoded({ type: "http", details: "http://[2001:db8::1]:8090/health" })

    assert.strictEqual(row?.target_device_ip, "2001:db8::1")
  })

  it("reads cores, memory, disks, load and uptime out of sysmon", () => {
    const document = {
      available: true,
      status: {
        cpus: [{ core_id: 0, usage_percent: 12.5 }, { core_id: 1, usage_percent: 0 }],
        memory: { used_bytes: 1_024, total_bytes: 4_096 },
        disks: [{ mount_point: "/", used_bytes: 10, total_bytes: 100 }],
        load_average: [0.5, 0.25, 0.125],
        uptime_seconds: 60
      }
    }

    assert.deepStrictEqual(valuesOf({ type: "sysmon", name: "host", details: "", document }).slice(2), [
      ["cpu_usage_percent", 12.5, "%", { ...sysmon, core: "0" }],
      ["cpu_usage_percent", 0, "%", { ...sysmon, core: "1" }],
      ["memory_used_bytes", 1_024, "By", sysmon],
      ["memory_total_bytes", 4_096, "By", sysmon],
      ["disk_used_bytes", 10, "By", { ...sysmon, mount_point: "/" }],
      ["disk_total_bytes", 100, "By", { ...sysmon, mount_point: "/" }],
      ["load_average", 0.5, "1", { ...sysmon, minutes: "1" }],
      ["load_average", 0.25, "1", { ...sysmon, minutes: "5" }],
      ["load_average", 0.125, "1", { ...sysmon, minutes: "15" }],
      ["uptime_seconds", 60, "s", sysmon]
    ])
  })

  it("reads the numbers of a sysmon document that lacks some", () => {
    const document = { status: { memory: { used_bytes: 1, total_bytes: 2 }, cpus: null } }

    assert.deepStrictEqual(
      valuesOf({ type: "sysmon", document }).map(([name]) => name),
      ["service_available", "service_response_time_seconds", "memory_used_bytes", "memory_total_bytes"]
    )
  })

  it("reads the packet loss of a ping", () => {
    assert.deepInclude(valuesOf({ type: "icmp", name: "gw", details: "192.0.2.1", document: { packet_loss: 25 } }), [
      "icmp_packet_loss_percent",
      25,
      "%",
      { service_type: "icmp", service_name: "gw" }
    ])
  })

  it("gives each series a key of its own", () => {
    const document = { status: { cpus: [{ core_id: 0, usage_percent: 1 }, { core_id: 1, usage_percent: 1 }] } }
    const keys = decoded({ type: "sysmon", document }).map((row) => row.series_key)

    assert.strictEqual(new Set(keys).size, 4)
  })

  it("puts any name into one token of the subject", () => {
    const [message] = StatusMetrics.make(polled({ poller: "po.ller *>", type: "a b" }))

    assert.strictEqual(message?.subject, "telemetry.poller.po_ller___.a_b")
  })
})
