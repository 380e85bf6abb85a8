import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CloudEvent from "../../../../../src/domain/events/decode/CloudEvent.ts"
import type { JsonObject } from "../../../../../src/domain/events/decode/Json.ts"
import * as LogActivityMapping from "../../../../../src/domain/events/mapping/logs/LogActivityMapping.ts"
import { context, storedAtMicros } from "../../context.ts"

const rowOf = (object: JsonObject, subject = "events.syslog.processed", envelope?: CloudEvent.Envelope) =>
  Result.getOrThrow(LogActivityMapping.map(CloudEvent.element(object, envelope), context(subject), 0))

describe("LogActivityMapping", () => {
  it("makes an Event Log Activity of syslog in GELF", () => {
    const gelf = {
      version: "1.1",
      host: "router-1",
      short_message: "link down",
      timestamp: 1_767_323_045.5,
      level: 3,
      _remote_addr: "default:10.0.0.1",
      trace_id: "t"
    }

    assert.deepStrictEqual(rowOf(gelf), {
      tenant_id: "acme",
      id: "id-0",
      time: 1_767_323_045_500_000,
      class_uid: 1008,
      category_uid: 1,
      type_uid: 100_801,
      activity_id: 1,
      activity_name: "Create",
      severity_id: 4,
      severity: "High",
      message: "link down",
      status_id: 1,
      status: "Success",
      status_code: null,
      status_detail: null,
      metadata: JSON.stringify({
        version: "1.7.0",
        product: { vendor_name: "ServiceRadar", name: "EventWriter", version: "1.0.0" },
        logged_time: "2026-01-02T03:04:05.678000Z",
        correlation_uid: "events.syslog.processed"
      }),
      observables: JSON.stringify([
        { name: "10.0.0.1", type: "IP Address", type_id: 2 },
        { name: "router-1", type: "Hostname", type_id: 1 }
      ]),
      trace_id: "t",
      span_id: null,
      actor: `{"app_name":"syslog"}`,
      device: `{"hostname":"router-1","ip":"10.0.0.1"}`,
      src_endpoint: `{"hostname":"router-1","ip":"10.0.0.1"}`,
      dst_endpoint: "{}",
      log_name: "events.syslog.processed",
      log_provider: "router-1",
      log_level: "3",
      log_version: "1.1",
      unmapped: JSON.stringify(gelf),
      raw_data: JSON.stringify(gelf)
    })
  })

  it.each([
    [{ level: 0 }, 6],
    [{ level: 2 }, 5],
    [{ level: "4" }, 3],
    [{ level: 5 }, 2],
    [{ level: 7 }, 1],
    [{ level: 9 }, 0],
    // Windows counts from critical; another's level may have the same key.
    [{ EventID: 4625, Level: 2 }, 4],
    [{ EventRecordID: 1, Level: "4" }, 1],
    [{ Level: 2 }, 5],
    [{ severity: "Critical" }, 5],
    [{ severity: "warning" }, 3],
    [{ level: "error" }, 4],
    [{ severity: "toString" }, 0],
    [{}, 0],
    [{ varbinds: [] }, 1],
    [{ varbinds: [], level: 3 }, 4]
  ])("gives %j the severity %i", (object, severity) => {
    assert.strictEqual(rowOf(object).severity_id, severity)
  })

  it("takes a trap's sender, and says that a trap came", () => {
    const row = rowOf({ source: "10.0.0.9:162", varbinds: [{ oid: "1.3", value: "INTEGER: 1" }] }, "snmp.traps")

    assert.strictEqual(row.message, "SNMP trap received")
    assert.strictEqual(row.device, `{"ip":"10.0.0.9"}`)
    assert.strictEqual(row.time, storedAtMicros)
  })

  it("takes envelope and payload of a CloudEvent apart", () => {
    const envelope = {
      id: "1",
      type: "t",
      source: "nats://events/events.syslog",
      subject: "s",
      time: "2026-01-01T00:00:00Z",
      contentType: undefined
    }

    assert.deepInclude(rowOf({ msg: "hello", timestamp: 5 }, "events.syslog", envelope), {
      message: "hello",
      time: 1_767_225_600_000_000,
      log_name: "s",
      log_provider: "nats://events/events.syslog",
      actor: `{"app_name":"nats://events/events.syslog"}`,
      unmapped: `{"msg":"hello","timestamp":5}`
    })
  })

  it("refuses what no column can hold, and says where", () => {
    const mapped = LogActivityMapping.map(CloudEvent.element({ trace_id: [] }, undefined), context("events.x"), 0)

    assert.deepStrictEqual(Result.isFailure(mapped) && mapped.failure.path, ["trace_id"])
  })
})
