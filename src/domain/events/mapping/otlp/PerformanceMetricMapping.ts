/**
 * A performance metric of a slow span, as the collector publishes them in JSON, as a row of `otel_metrics`.
 *
 * An object without a duration is none: it would be a row that says nothing.
 */
import type { Result } from "effect"
import { Schema } from "effect"
import { type Element, nameOf } from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import * as EventTime from "../../decode/EventTime.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as TraceId from "../../decode/TraceId.ts"
import type { OtelMetricRow } from "../../rows/OtelMetrics.ts"
import { type RowContext, unnamed } from "../../stream/EventMessage.ts"

const { scalar } = Payload

const read = Payload.make(
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

export const map = (
  { envelope, payload }: Element,
  context: RowContext,
  index: number
): Result.Result<OtelMetricRow, Problem> =>
  read(payload, (metric, reading) => {
    const millis = reading.duration("duration_ms", metric.duration_ms, 1e6)
    const seconds = reading.duration("duration_seconds", metric.duration_seconds, 1e9)
    if (millis === null && seconds === null) reading.refuse("duration_ms", "expected a duration")
    const { claim, micros } = EventTime.first(context.storedAtMicros, metric.timestamp, envelope?.time)
    return {
      tenant_id: context.tenantId,
      ingest_id: context.id(index, micros, nameOf(envelope)),
      timestamp: micros,
      trace_id: TraceId.given(Scalar.text(metric.trace_id)) ?? "",
      span_id: TraceId.given(Scalar.text(metric.span_id)) ?? "",
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
      is_slow: reading.boolean("is_slow", metric.is_slow) ?? false,
      component: Scalar.text(metric.component) ?? "",
      level: Scalar.text(metric.level) ?? "",
      unit: Scalar.text(metric.unit),
      claimed_time: claim ?? null
    }
  })
