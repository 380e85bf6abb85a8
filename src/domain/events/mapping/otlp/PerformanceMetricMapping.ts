/** A performance metric of a slow span, as the collector publishes them in JSON, as a row of `otel_metrics`. */
import { Result, Schema } from "effect"
import type { Problem } from "../../decode/DecodeError.ts"
import type { JsonObject } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { OtelMetricRow } from "../../rows/OtelMetrics.ts"
import { type RowContext, unnamed } from "../../stream/EventMessage.ts"

const scalar = Schema.optionalKey(Scalar.Scalar)

const decode = Payload.make(
  Schema.Struct({
    timestamp: scalar,
    trace_id: scalar,
    span_id: scalar,
    service_name: scalar,
    span_name: scalar,
    span_kind: scalar,
    duration_ms: scalar,
    duration_seconds: scalar,
    metric_type: scalar,
    http_method: scalar,
    http_route: scalar,
    http_status_code: scalar,
    grpc_service: scalar,
    grpc_method: scalar,
    grpc_status_code: scalar,
    is_slow: scalar,
    component: scalar,
    level: scalar,
    unit: scalar
  }),
  { span_name: ["name"], metric_type: ["type"] }
)

export const map = (object: JsonObject, context: RowContext, index: number): Result.Result<OtelMetricRow, Problem> =>
  Result.map(decode(object), (metric) => {
    const millis = Scalar.float8(metric.duration_ms)
    const time = Timestamp.micros(metric.timestamp)
    const seconds = Scalar.float8(metric.duration_seconds)
    return {
      tenant_id: context.tenantId,
      ingest_id: context.id(index, time),
      timestamp: time ?? context.storedAtMicros,
      trace_id: Scalar.text(metric.trace_id) ?? "",
      span_id: Scalar.text(metric.span_id) ?? "",
      service_name: Scalar.text(metric.service_name) ?? unnamed(context),
      span_name: Scalar.text(metric.span_name) ?? unnamed(context),
      span_kind: Scalar.text(metric.span_kind) ?? "",
      duration_ms: millis ?? (seconds === null ? null : seconds * 1000),
      duration_seconds: seconds ?? (millis === null ? null : millis / 1000),
      metric_type: Scalar.text(metric.metric_type) ?? "",
      http_method: Scalar.text(metric.http_method) ?? "",
      http_route: Scalar.text(metric.http_route) ?? "",
      http_status_code: Scalar.text(metric.http_status_code) ?? "",
      grpc_service: Scalar.text(metric.grpc_service) ?? "",
      grpc_method: Scalar.text(metric.grpc_method) ?? "",
      grpc_status_code: Scalar.text(metric.grpc_status_code) ?? "",
      is_slow: Scalar.boolean(metric.is_slow) ?? false,
      component: Scalar.text(metric.component) ?? "",
      level: Scalar.text(metric.level) ?? "",
      unit: Scalar.text(metric.unit)
    }
  })
