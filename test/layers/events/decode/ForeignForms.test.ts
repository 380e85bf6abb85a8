/** Messages of other formats, and of older versions of these: each gives its rows or a reason, and never nothing. */
import { BinaryWriter } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ExportLogsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import { ScopeLogs } from "../../../../src/gen/opentelemetry/proto/logs/v1/logs.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { json, message, otlpLogs } from "./samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

const reasonOf = (subject: string, data: Uint8Array): string =>
  Result.match(decode(message(subject, data)), {
    onFailure: ({ path, reason }) => `${path}: ${reason}`,
    onSuccess: ({ content, refused }) => `${content.rows.length} rows, ${refused.length} refused`
  })

const text = (value: string): Uint8Array => Buffer.from(value)

const subjects = ["logs.app", "otel.logs", "otel.traces", "otel.metrics"]

/** A group whose scopes are where OTLP had them before version 0.16. */
const oldRequest = (scope: Uint8Array): Uint8Array => {
  const group = new BinaryWriter().uint32(1000 << 3 | 2).bytes(scope).finish()
  return new BinaryWriter().uint32(1 << 3 | 2).bytes(group).finish()
}

describe("Text", () => {
  it.each(subjects.flatMap((subject) => ["hi", "px", "xy pq", "yes, I am"].map((word) => [subject, word] as const)))(
    "on %s is refused, though %j may be protobuf of unknown fields",
    (subject, word) => {
      assert.strictEqual(reasonOf(subject, text(word)), "$: expected JSON or protobuf, got text")
    }
  )

  it.each([
    ["logs.syslog", "<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "$: expected JSON or protobuf, got text"],
    ["logs.app", "{\"message\":\"a\"}\n{\"message\":\"b\"}\n", "$: expected one JSON value, got one on each line"],
    ["events.app", "{\"message\":\"a\"}\r\n{\"mess", "$: expected one JSON value, got one on each line"],
    ["events.app", "{\n\"message\":\"a\",}", "$: expected JSON"],
    ["telemetry.x", "cpu,host=a usage=1.5 1795953600000000000", "$: expected JSON"]
  ])("on %s is refused for what it is: %j", (subject, line, reason) => {
    assert.strictEqual(reasonOf(subject, text(line)), reason)
  })
})

describe("Requests of OTLP before version 0.16", () => {
  it.each(["otel.logs", "otel.traces", "otel.metrics"])("are refused on %s, in protobuf", (subject) => {
    const scope = ScopeLogs.encode(ScopeLogs.create({ logRecords: [{}] })).finish()

    assert.strictEqual(reasonOf(subject, oldRequest(scope)), "$: expected protobuf with records of OTLP 0.16 or newer")
  })

  it.each([
    ["otel.traces", "instrumentationLibrarySpans", { resourceSpans: [{ instrumentationLibrarySpans: [{}] }] }],
    ["otel.logs", "instrumentation_library_logs", { resource_logs: [{ instrumentation_library_logs: [{}] }] }],
    ["otel.logs", "logs", { resourceLogs: [{ scopeLogs: [{ scope: {}, logs: [{}] }] }] }],
    ["otel.metrics", "intGauge", {
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "m", intGauge: { dataPoints: [{ value: "5" }] } }] }] }]
    }]
  ])("are refused on %s, with the member %s in JSON", (subject, member, request) => {
    assert.include(reasonOf(subject, json(request)), `.${member}: expected`)
  })
})

describe("CloudEvents 0.3", () => {
  it.each([
    ["base64", "eyJtZXNzYWdlIjoib2xkIn0=", "old"],
    ["Base64", "ZGlzayBmdWxs", "disk full"],
    [undefined, "ZGlzayBmdWxs", "ZGlzayBmdWxs"]
  ])("have bytes in their data, if they say so: %s", (datacontentencoding, data, expected) => {
    const event = { specversion: "0.3", id: "1", source: "/s", type: "t", datacontentencoding, data }
    const [row] = Result.getOrThrow(decode(message("events.x", json(event)))).content.rows

    assert.propertyVal(row, "message", expected)
  })

  it("are refused when their bytes are none", () => {
    const event = { specversion: "0.3", id: "1", source: "/s", type: "t", datacontentencoding: "base64", data: "!" }

    assert.strictEqual(reasonOf("events.x", json(event)), "$.data: expected base64")
  })
})

describe("Requests of OTLP without records", () => {
  it.each([
    ["otel.traces", { resourceSpans: [{ resource: {}, schemaUrl: "x" }] }],
    ["otel.logs", { resourceLogs: [{ scopeLogs: [{ scope: { name: "s" }, schema_url: "x" }], other: 1 }] }],
    ["otel.metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "m", description: "d" }] }] }] }]
  ])("are valid on %s", (subject, request) => {
    assert.strictEqual(reasonOf(subject, json(request)), "0 rows, 0 refused")
  })

  it("are valid in protobuf, with fields that only newer versions have", () => {
    const resource = new BinaryWriter().uint32(3 << 3 | 2).bytes(text("entity")).finish()
    const group = new BinaryWriter().uint32(1 << 3 | 2).bytes(resource).uint32(3 << 3 | 2).string("schema").finish()
    const request = new BinaryWriter().uint32(1 << 3 | 2).bytes(group).finish()

    assert.strictEqual(reasonOf("otel.logs", request), "0 rows, 0 refused")
  })

  it("but with unknown fields beside their records are read", () => {
    const request = ExportLogsServiceRequest.encode(otlpLogs).finish()
    const newer = Buffer.concat([request, new BinaryWriter().uint32(15 << 3 | 2).string("newer").finish()])

    assert.strictEqual(reasonOf("otel.logs", newer), reasonOf("otel.logs", request))
  })
})
