import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as AvailabilityEvent from "../../../../src/domain/events/outgoing/AvailabilityEvent.ts"
import * as LogActivity from "../../../../src/domain/events/outgoing/LogActivity.ts"
import * as PollerHealthEvent from "../../../../src/domain/events/outgoing/PollerHealthEvent.ts"
import { jsonText } from "../../../../src/domain/events/rows/Table.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import type { AvailabilityChange } from "../../../../src/domain/monitoring/reports/AvailabilityChange.ts"
import { rows } from "./decoding.ts"

const id = "0b9ff1f4-6e0c-4b44-9a5c-0a7d1f7b5f10"
/** 2026-01-02T03:04:05.678Z. */
const atMillis = 1_767_323_045_678

const change: AvailabilityChange = {
  partition: Partition.make("site-a"),
  agentId: AgentId.make("agent-1"),
  serviceType: ServiceType.make("port"),
  serviceName: ServiceName.make("ssh"),
  pollerId: PollerId.make("poller-1"),
  sourceIp: "192.0.2.1",
  available: false,
  previous: true,
  reportedAt: DateTime.makeUnsafe(atMillis),
  document: "{\"error\":\"Port 22 is not accessible: connection refused\"}"
}

describe("AvailabilityEvent", () => {
  it("tells of a service that went down as a failure, with the reason", () => {
    const { rows: [row], stream } = rows("ocsf_events", AvailabilityEvent.make(change, id))

    assert.strictEqual(stream, "EVENTS")
    assert.deepInclude(row, {
      tenant_id: "default",
      id,
      time: atMillis * 1_000,
      class_uid: 1008,
      category_uid: 1,
      activity_id: 3,
      type_uid: 100_803,
      severity_id: 4,
      severity: "High",
      message: "ssh (port) of agent-1 is down: Port 22 is not accessible: connection refused",
      status_id: 2,
      status: "Failure",
      status_detail: "Port 22 is not accessible: connection refused",
      log_name: "events.ocsf.processed",
      log_provider: "serviceradar-core",
      device: "{\"hostname\":\"agent-1\",\"ip\":\"192.0.2.1\"}"
    })
    assert.deepStrictEqual(JSON.parse(jsonText(row?.unmapped ?? "")), {
      partition: "site-a",
      poller_id: "poller-1",
      agent_id: "agent-1",
      service_type: "port",
      service_name: "ssh",
      available: false,
      previously_available: true
    })
  })

  it("tells of a return and of a first sight as information", () => {
    const messageOf = (previous: boolean | undefined) => {
      const { rows: [row] } = rows("ocsf_events", AvailabilityEvent.make({ ...change, available: true, previous }, id))
      return [row?.message, row?.severity, row?.status, row?.activity_id]
    }

    assert.deepStrictEqual(messageOf(false), ["ssh (port) of agent-1 is up again", "Informational", "Success", 3])
    assert.deepStrictEqual(messageOf(undefined), [
      "ssh (port) of agent-1 is monitored, and up",
      "Informational",
      "Success",
      1
    ])
  })
})

describe("PollerHealthEvent", () => {
  it("is the CloudEvent that all writers know", () => {
    const outgoing = PollerHealthEvent.make({
      pollerId: change.pollerId,
      partition: change.partition,
      sourceIp: "192.0.2.1",
      previous: "healthy",
      current: "unhealthy",
      lastSeenMillis: atMillis - 60_000,
      atMillis,
      silenceMillis: 60_000,
      isAlerted: false
    }, id)
    const { rows: [row], stream } = rows("ocsf_events", outgoing)

    assert.strictEqual(outgoing.subject, "events.poller.health")
    assert.strictEqual(stream, "EVENTS")
    assert.deepInclude(row, {
      time: atMillis * 1_000,
      class_uid: 1008,
      severity_id: 4,
      message: "Poller poller-1 state changed from healthy to unhealthy",
      actor: "{\"app_name\":\"serviceradar/core\"}"
    })
  })
})

describe("LogActivity", () => {
  const line: LogActivity.LogLine = {
    program: "poller",
    level: "warn",
    message: "core is away; reports wait in the buffer",
    cause: "",
    annotations: { supervisor: "Poller" },
    atMillis,
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7"
  }

  it("becomes a log record with the program's name, its severity and its trace", () => {
    const { rows: [row], stream } = rows("logs", LogActivity.make(line, id))

    assert.strictEqual(stream, "LOGS")
    assert.deepInclude(row, {
      tenant_id: "default",
      timestamp: atMillis * 1_000,
      body: "core is away; reports wait in the buffer",
      severity_text: "WARN",
      service_name: "serviceradar-poller",
      source: "internal",
      trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
      span_id: "00f067aa0ba902b7"
    })
    assert.deepInclude(JSON.parse(row?.attributes ?? ""), { unmapped: { supervisor: "Poller" }, class_uid: 1008 })
  })

  it("keeps the order of severities", () => {
    const severities = (["debug", "info", "warn", "error", "fatal"] as const).map((level) =>
      rows("logs", LogActivity.make({ ...line, level }, id)).rows[0]?.severity_text
    )

    assert.deepStrictEqual(severities, ["INFO", "INFO", "WARN", "ERROR", "FATAL"])
  })

  it("cuts what would be too long for a message", () => {
    const { data } = LogActivity.make({ ...line, message: "x".repeat(100_000), cause: "y".repeat(100_000) }, id)

    assert.isBelow(data.length, 40_000)
  })
})
