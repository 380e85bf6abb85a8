import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { createHash } from "node:crypto"
import { DecodeError } from "../../../../src/domain/events/decode/DecodeError.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { json, message, samples, storedAtMicros, telemetry } from "./samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

const decoded = (subject: string, data: Uint8Array) => Result.getOrThrow(decode(message(subject, data)))

const problem = (subject: string, data: Uint8Array) => Result.getOrThrow(Result.flip(decode(message(subject, data))))

describe("EventDecoder", () => {
  it.each(samples)("gives all rows, the same at every delivery: %s", (_, subject, data, rows) => {
    const first = decoded(subject, data)

    assert.strictEqual(first.content.rows.length, rows)
    assert.isTrue(first.content.rows.every((row) => row.tenant_id === "acme"))
    assert.deepStrictEqual(decoded(subject, data), first)
  })

  it("hashes the series key as the database does", () => {
    const { content } = decoded("telemetry.x", json(telemetry))
    const text = "11:metric_type=5:gauge|11:metric_name=9:cpu_usage|9:partition=7:default|8:agent_id=7:agent-1|" +
      "9:device_id=16:default:10.0.0.1|8:if_index=1:3|8:tag:core=1:0"

    assert.strictEqual(content.table, "timeseries_metrics")
    assert.deepInclude(content.rows[0], {
      series_key: createHash("md5").update(text).digest("hex"),
      timestamp: 1_767_323_045_123_456
    })
  })

  it("gives rows with ids of their own", () => {
    const { content } = decoded("logs.x", json([{ message: "a" }, { message: "a" }]))

    assert.strictEqual(content.table, "logs")
    assert.strictEqual(content.table === "logs" && new Set(content.rows.map((row) => row.id)).size, 2)
  })

  it("prefers the tenant in the subject, and refuses a message without any", () => {
    const strict = EventDecoder.make()

    assert.strictEqual(decoded("other.telemetry.x", json({ value: 1 })).tenantId, "other")
    assert.isTrue(Result.isFailure(strict(message("telemetry.x", json({ value: 1 })))))
    assert.isTrue(
      Result.isSuccess(
        strict({ ...message("telemetry.x", json({ value: 1 })), headers: new Map([["x-tenant-id", "acme"]]) })
      )
    )
  })

  it("refuses a small message whose rows would be enormous", () => {
    const shared = { attributes: [{ key: "shared", value: { stringValue: "x".repeat(100_000) } }] }
    const request = (records: number) =>
      json({
        resourceLogs: [{ resource: shared, scopeLogs: [{ logRecords: Array.from({ length: records }, () => ({})) }] }]
      })

    const { content, weight } = decoded("otel.logs", request(600))

    assert.strictEqual(content.rows.length, 600)
    assert.isTrue(weight > 600 * 100_000)
    assert.include(problem("otel.logs", request(700)).message, "expected rows of together at most 67108864 bytes")
  })

  it("refuses it before its rows fill the memory", () => {
    const envelope = { specversion: "1.0", source: "x".repeat(400_000) }
    const data = Array.from({ length: 100_000 }, () => ({}))

    assert.include(
      problem("events.x", json({ ...envelope, data })).message,
      "expected rows of together at most 67108864 bytes"
    )
  })

  it("leaves raw messages to the rule engine where there is one", () => {
    const behindEngine = EventDecoder.make({ tenantDefault: "acme", supersededSubjects: new Set(["logs.syslog"]) })
    const both = (subject: string) =>
      [decode, behindEngine].map((decode) => {
        const { content, isSuperseded } = Result.getOrThrow(decode(message(subject, json({ message: "m" }))))
        return [content.rows.length, isSuperseded]
      })

    assert.deepStrictEqual(both("logs.syslog"), [[1, false], [0, true]])
    assert.deepStrictEqual(both("logs.syslog.processed"), [[1, false], [1, false]])
  })

  it("writes flows to the older table when told so", () => {
    const older = EventDecoder.make({ tenantDefault: "acme", flowTable: "netflow_metrics" })

    assert.strictEqual(
      Result.getOrThrow(older(message("netflow.v9", json({ src_addr: "10.0.0.1" })))).content.table,
      "netflow_metrics"
    )
  })

  it.each([
    ["telemetry.x", json([{ value: [] }, { value: "x" }]), "$[0].value"],
    ["telemetry.x", Buffer.from("{"), "$"],
    ["sweep.x", json({}), "$.host_ip"],
    ["events.x", json({ class_uid: 1008, id: "x" }), "$.category_uid"],
    [
      "otel.traces",
      json({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: "xyz" }] }] }] }),
      "$.resourceSpans[0].scopeSpans[0].spans[0].traceId"
    ],
    ["otel.traces", json({ trace_id: "t" }), "$.span_id"],
    ["logs.x", new Uint8Array(0), "$"],
    ["flows.raw.netflow", Buffer.from([0x08, 0x03]), "$.src_addr"],
    ["nobody.knows", json({}), "$"]
  ])("says what is wrong with a message on %s", (subject, data, path) => {
    const error = problem(subject, data)

    assert.instanceOf(error, DecodeError)
    assert.deepInclude(error, { subject, sequence: 7, path })
    assert.include(error.message, `Message 7 on ${subject} cannot be stored: `)
  })

  it("refuses every protobuf message that breaks off", () => {
    for (const [, subject, data] of samples.filter(([name]) => /^OTLP \w+$/.test(name))) {
      for (let length = 1; length < data.length; length++) {
        assert.isTrue(Result.isFailure(decode(message(subject, data.subarray(0, length)))), `${subject} at ${length}`)
      }
    }
  })

  it("takes the time at which the stream stored a message for a missing one", () => {
    const { content } = decoded("telemetry.x", json({ value: 1 }))

    assert.strictEqual(content.table === "timeseries_metrics" && content.rows[0]?.timestamp, storedAtMicros)
  })
})
