import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { TableRows } from "../../../../src/domain/events/rows/Tables.ts"
import { ExportLogsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import { ExportMetricsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/metrics/v1/metrics_service.ts"
import { ExportTraceServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts"
import * as LogsProcessor from "../../../../src/layers/events/decode/LogsProcessor.ts"
import * as OtelMetricsProcessor from "../../../../src/layers/events/decode/OtelMetricsProcessor.ts"
import * as OtelTracesProcessor from "../../../../src/layers/events/decode/OtelTracesProcessor.ts"
import type { Processor } from "../../../../src/layers/events/decode/Processor.ts"
import { context } from "../../../domain/events/context.ts"
import { json, otlpLogs, otlpLogsJson, otlpMetrics, otlpMetricsJson, otlpTraces, otlpTracesJson } from "./samples.ts"

const time = 1_767_323_045_123_456
const here = context("otel")

const rowsOf = (process: Processor, data: Uint8Array): TableRows["rows"] => Result.getOrThrow(process(data, here)).rows

describe("OTLP", () => {
  it("gives a log row with all attributes", () => {
    const [first, second] = rowsOf(LogsProcessor.process, ExportLogsServiceRequest.encode(otlpLogs).finish())

    assert.deepStrictEqual(first, {
      tenant_id: "acme",
      timestamp: time,
      id: "id-0",
      observed_timestamp: null,
      trace_id: "0af7651916cd43dd8448eb211c80319c",
      span_id: "b7ad6b7169203331",
      trace_flags: 1,
      severity_text: "ERROR",
      severity_number: 17,
      body: "failed",
      event_name: null,
      service_name: "api",
      service_version: "1.2",
      service_instance: null,
      scope_name: "lib",
      scope_version: "0.1",
      scope_attributes: `{"a":"b"}`,
      attributes: `{"big":"9223372036854775807","list":[false],"bytes":"AQI=","nan":"NaN"}`,
      resource_attributes: `{"service.name":"api","service.version":"1.2","pid":42}`,
      source: "otel"
    })
    assert.deepInclude(second, { id: "id-1", timestamp: time, observed_timestamp: time, body: `{"k":"v"}` })
  })

  it("gives a span row with events and links", () => {
    assert.deepStrictEqual(rowsOf(OtelTracesProcessor.process, ExportTraceServiceRequest.encode(otlpTraces).finish()), [
      {
        tenant_id: "acme",
        timestamp: time,
        trace_id: "0af7651916cd43dd8448eb211c80319c",
        span_id: "b7ad6b7169203331",
        parent_span_id: "00f067aa0ba902b7",
        name: "GET /",
        kind: 2,
        start_time_unix_nano: 1_767_323_045_123_456_789n,
        end_time_unix_nano: 1_767_323_045_124_456_789n,
        service_name: "api",
        service_version: "1.2",
        service_instance: null,
        scope_name: "lib",
        scope_version: "0.1",
        status_code: 2,
        status_message: "boom",
        attributes: `{"http.method":"GET","http.status_code":500}`,
        resource_attributes: `{"service.name":"api","service.version":"1.2","pid":42}`,
        events: `[{"time_unix_nano":"1767323045123456789","name":"exception","attributes":{"type":"E"}}]`,
        links: `[{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","attributes":{}}]`
      }
    ])
  })

  it("gives a row for each point of every kind", () => {
    const rows = rowsOf(OtelMetricsProcessor.process, ExportMetricsServiceRequest.encode(otlpMetrics).finish())

    assert.deepStrictEqual(rows[0], {
      tenant_id: "acme",
      ingest_id: "id-0",
      timestamp: time,
      trace_id: "",
      span_id: "",
      service_name: "api",
      span_name: "g",
      span_kind: "",
      duration_ms: 1.5,
      duration_seconds: 0.0015,
      metric_type: "gauge",
      http_method: "GET",
      http_route: "",
      http_status_code: "",
      grpc_service: "S",
      grpc_method: "",
      grpc_status_code: "",
      is_slow: false,
      component: "",
      level: "",
      unit: "ms",
      claimed_time: null
    })
    assert.deepStrictEqual(
      rows.map((row) => "metric_type" in row && "duration_ms" in row && [row.metric_type, row.duration_ms]),
      [["gauge", 1.5], ["sum", -3], ["histogram", 7], ["histogram", null], ["exponential_histogram", 8], ["summary", 9]]
    )
  })

  it("means the same in JSON", () => {
    const log = rowsOf(LogsProcessor.process, json(otlpLogsJson))[0]
    const span = rowsOf(OtelTracesProcessor.process, json(otlpTracesJson))[0]
    const points = rowsOf(OtelMetricsProcessor.process, json(otlpMetricsJson))

    assert.deepInclude(log, {
      timestamp: time,
      body: "failed",
      severity_number: 17,
      trace_id: "0af7651916cd43dd8448eb211c80319c",
      attributes: `{"list":[false]}`,
      resource_attributes: `{"service.name":"api","pid":42}`,
      service_name: "api",
      scope_name: "lib"
    })
    assert.deepInclude(span, {
      timestamp: time,
      kind: 2,
      status_code: 2,
      events: `[{"time_unix_nano":"1767323045123456789","name":"exception","attributes":{}}]`,
      end_time_unix_nano: 1_767_323_045_124_456_789n
    })
    assert.deepStrictEqual(
      points.map((row) => "metric_type" in row && "duration_ms" in row && [row.metric_type, row.duration_ms]),
      [["gauge", 1.5], ["sum", -3], ["histogram", 7]]
    )
  })
})
