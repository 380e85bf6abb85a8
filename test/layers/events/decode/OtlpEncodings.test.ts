import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { ExportLogsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import { ExportTraceServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts"
import type { AnyValue } from "../../../../src/gen/opentelemetry/proto/common/v1/common.ts"
import * as LogsProcessor from "../../../../src/layers/events/decode/LogsProcessor.ts"
import * as OtelTracesProcessor from "../../../../src/layers/events/decode/OtelTracesProcessor.ts"
import { context } from "../../../domain/events/context.ts"
import { json } from "./samples.ts"

const Text = Schema.String.check(Schema.isMaxLength(12))
const Int64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n }))
const Nanos = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 2n ** 64n - 1n }))
const Hex = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{16})$/))

const Value = Schema.Union([
  Text,
  Schema.Boolean,
  Schema.Finite,
  Int64,
  Schema.Array(Schema.Union([Text, Int64, Schema.Boolean])).check(Schema.isMaxLength(4))
])
type Value = typeof Value.Type

const Record = Schema.Struct({
  time: Nanos,
  observed: Nanos,
  severity: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 24 })),
  flags: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 })),
  text: Text,
  body: Value,
  traceId: Hex,
  attributes: Schema.Array(Schema.Tuple([Text, Value])).check(Schema.isMaxLength(5))
})

const wire = (value: Value): AnyValue => {
  switch (typeof value) {
    case "string":
      return { value: { $case: "stringValue", value } }
    case "boolean":
      return { value: { $case: "boolValue", value } }
    case "number":
      return { value: { $case: "doubleValue", value } }
    case "bigint":
      return { value: { $case: "intValue", value } }
    default:
      return { value: { $case: "arrayValue", value: { values: value.map(wire) } } }
  }
}

const text = (value: Value): object => {
  switch (typeof value) {
    case "string":
      return { stringValue: value }
    case "boolean":
      return { boolValue: value }
    case "number":
      return { doubleValue: value }
    case "bigint":
      return { intValue: value.toString() }
    default:
      return { arrayValue: { values: value.map(text) } }
  }
}

const here = context("otel")

describe("OTLP in both encodings", () => {
  it.effect.prop("gives the same log row", [Record], ([record]) =>
    Effect.sync(() => {
      const shared = { severityNumber: record.severity, severityText: record.text, flags: record.flags }
      const protobuf = ExportLogsServiceRequest.fromPartial({
        resourceLogs: [{
          scopeLogs: [{
            logRecords: [{
              ...shared,
              timeUnixNano: record.time,
              observedTimeUnixNano: record.observed,
              body: wire(record.body),
              traceId: Buffer.from(record.traceId, "hex"),
              attributes: record.attributes.map(([key, value]) => ({ key, value: wire(value) }))
            }]
          }]
        }]
      })
      const asJson = {
        resourceLogs: [{
          scopeLogs: [{
            logRecords: [{
              ...shared,
              timeUnixNano: record.time.toString(),
              observedTimeUnixNano: record.observed.toString(),
              body: text(record.body),
              traceId: record.traceId,
              attributes: record.attributes.map(([key, value]) => ({ key, value: text(value) }))
            }]
          }]
        }]
      }

      const rows = LogsProcessor.process(ExportLogsServiceRequest.encode(protobuf).finish(), here)

      assert.strictEqual(Result.getOrThrow(rows).rows.length, 1)
      assert.deepStrictEqual(LogsProcessor.process(json(asJson), here), rows)
    }))

  it.effect.prop("gives the same span row", [Record], ([record]) =>
    Effect.sync(() => {
      const protobuf = ExportTraceServiceRequest.fromPartial({
        resourceSpans: [{
          scopeSpans: [{
            spans: [{
              traceId: Buffer.from(record.traceId, "hex"),
              spanId: Buffer.from(record.traceId, "hex"),
              name: record.text,
              kind: record.severity,
              startTimeUnixNano: record.time,
              endTimeUnixNano: record.observed,
              events: [{
                name: record.text,
                attributes: record.attributes.map(([key, value]) => ({ key, value: wire(value) }))
              }],
              status: { code: 2, message: record.text }
            }]
          }]
        }]
      })
      const asJson = {
        resourceSpans: [{
          scopeSpans: [{
            spans: [{
              traceId: record.traceId,
              spanId: record.traceId.toUpperCase(),
              name: record.text,
              kind: record.severity,
              startTimeUnixNano: record.time.toString(),
              endTimeUnixNano: record.observed.toString(),
              events: [{
                name: record.text,
                attributes: record.attributes.map(([key, value]) => ({ key, value: text(value) }))
              }],
              status: { code: 2, message: record.text }
            }]
          }]
        }]
      }

      const rows = OtelTracesProcessor.process(ExportTraceServiceRequest.encode(protobuf).finish(), here)

      assert.strictEqual(Result.getOrThrow(rows).rows.length, 1)
      assert.deepStrictEqual(OtelTracesProcessor.process(json(asJson), here), rows)
    }))
})
