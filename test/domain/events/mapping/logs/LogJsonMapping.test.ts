import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CloudEvent from "../../../../../src/domain/events/decode/CloudEvent.ts"
import type { JsonObject } from "../../../../../src/domain/events/decode/Json.ts"
import * as LogJsonMapping from "../../../../../src/domain/events/mapping/logs/LogJsonMapping.ts"
import { context, storedAtMicros } from "../../context.ts"

const rowOf = (object: JsonObject, subject = "logs.otel.processed") =>
  Result.getOrThrow(LogJsonMapping.map(CloudEvent.element(object, undefined), context(subject), 2))

describe("LogJsonMapping", () => {
  it("maps a record of the rule engine", () => {
    assert.deepStrictEqual(
      rowOf({
        timestamp: Number("1767323045123456700"),
        observedTimeUnixNano: "1767323046000000000",
        severity_number: 17,
        severity_text: "error",
        body: { code: 5 },
        attributes: { a: 1 },
        resource_attributes: "service.name=api,service.version=1.2",
        scope: { name: "lib", version: "0.1" },
        scope_attributes: `{"s":true}`,
        trace_flags: 1,
        event_name: "e",
        traceId: "t",
        span_id: "s",
        extra: null,
        custom: [1]
      }),
      {
        tenant_id: "acme",
        timestamp: 1_767_323_045_123_456,
        id: "id-2",
        observed_timestamp: 1_767_323_046_000_000,
        trace_id: "t",
        span_id: "s",
        trace_flags: 1,
        severity_text: "ERROR",
        severity_number: 17,
        body: `{"code":5}`,
        event_name: "e",
        service_name: "api",
        service_version: "1.2",
        service_instance: null,
        scope_name: "lib",
        scope_version: "0.1",
        scope_attributes: `{"s":true}`,
        attributes: `{"custom":[1],"a":1}`,
        resource_attributes: `{"service.name":"api","service.version":"1.2"}`,
        source: "otel"
      }
    )
  })

  it("maps syslog, whose host is its service and resource", () => {
    const row = rowOf({ host: "h", short_message: "m", level: 4, _remote_addr: "p:10.0.0.1" }, "logs.syslog.processed")

    assert.deepInclude(row, {
      timestamp: storedAtMicros,
      observed_timestamp: storedAtMicros,
      body: "m",
      severity_text: "WARN",
      service_name: "h",
      resource_attributes: `{"host":"h"}`,
      attributes: `{"host":"h","_remote_addr":"p:10.0.0.1"}`,
      source: "syslog"
    })
  })

  it.each([
    [{ varbinds: [{ oid: "1", value: "" }, { oid: "2", value: "OCTET STRING: link: down" }] }, "link: down"],
    [{ varbinds: [{ oid: "1", value: "plain" }] }, "plain"],
    [{ body: [104, 105] }, "hi"],
    [{ body: [] }, "[]"],
    [{ body: [0xd800] }, "\ufffd"],
    [{ message: "a", short_message: "b" }, "a"],
    [{}, "logs.otel.processed"]
  ])("finds the body of %j", (object, body) => {
    assert.strictEqual(rowOf(object).body, body)
  })

  it.each([
    [1, "FATAL"],
    [2, "ERROR"],
    [3, "WARN"],
    [4, "INFO"],
    [5, "DEBUG"],
    [0, "INFO"],
    [6, "INFO"]
  ])("takes level %i of an event of Windows for %s", (level, name) => {
    const row = rowOf({ EventID: 7036, Level: level, TimeCreated: "2026-01-02T03:04:05.1234567Z", Message: "m" })

    assert.deepInclude(row, { severity_text: name, timestamp: 1_767_323_045_123_456, body: "m" })
  })

  it.each([
    [{ level: { name: "ERROR" } }],
    [{ severity: ["error"], level: true }],
    [{ severity_text: { a: 1 } }],
    [{ severity_number: "loud" }],
    [{ severity_number: -5 }],
    [{ attributes: [{ key: "a", value: 1 }] }],
    [{ attributes: "no pairs" }],
    [{ resource: [1], scope: 5 }]
  ])("keeps %j, which is no severity and no attributes, among the attributes", (given) => {
    const row = rowOf({ message: "m", ...given })

    assert.deepInclude(row, { severity_text: "INFO", severity_number: 11, attributes: JSON.stringify(given) })
  })

  it.each([
    [{ severity_text: "", severity: null, severity_number: 0 }, "INFO", 11],
    [{ severity_number: "SEVERITY_NUMBER_UNSPECIFIED" }, "INFO", 11],
    [{ severity_number: "0x11" }, "ERROR", 17],
    [{ level: "3e0" }, "ERROR", 19],
    [{ SeverityText: "Warn", Body: "m" }, "WARN", 15]
  ])("reads the severity of %j", (given, text, number) => {
    assert.deepInclude(rowOf({ message: "m", ...given }), { severity_text: text, severity_number: number })
  })

  it("tells nothing of attributes that may hold a secret and cannot be read", () => {
    assert.strictEqual(rowOf({ message: "m", attributes: `{"community": s3cret` }).attributes, "")
    assert.strictEqual(rowOf({ message: "m", attributes: "community=s3cret" }).attributes, "")
  })

  it("reads what has the names of OpenTelemetry's data model, or of Serilog", () => {
    const id = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert.deepInclude(rowOf({ Body: "b", SeverityText: "FATAL", TraceId: id, SpanId: "00f067aa0ba902b7" }), {
      body: "b",
      severity_text: "FATAL",
      trace_id: id,
      span_id: "00f067aa0ba902b7"
    })
    assert.deepInclude(rowOf({ "@m": "b", "@tr": id, "@sp": "00f067aa0ba902b7" }), { body: "b", trace_id: id })
  })

  it("keeps a second text beside the body, but for what repeats it", () => {
    assert.strictEqual(
      rowOf({ short_message: "a", full_message: "b", log: { level: "info" } }).attributes,
      `{"log":{"level":"info"}}`
    )
  })
})
