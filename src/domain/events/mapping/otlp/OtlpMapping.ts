/**
 * OpenTelemetry's records as rows of `logs`, `otel_metrics` and `otel_traces`.
 *
 * A time of 0 means that the sender did not know it: then the time at which the stream stored the message stands in,
 * rather than 1970, which no partition is kept for.
 */
import { textValue } from "../../decode/Json.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { LogRow } from "../../rows/Logs.ts"
import type { OtelMetricRow } from "../../rows/OtelMetrics.ts"
import type { OtelTraceRow } from "../../rows/OtelTraces.ts"
import { type RowContext, unnamed } from "../../stream/EventMessage.ts"
import { attributesText, type LogRecord, type Point, type Resource, type Scope, type Span } from "./Otlp.ts"

const orNull = (text: string): string | null => text === "" ? null : text

const microsOr = (nanos: bigint, otherwise: number): number => nanos === 0n ? otherwise : Timestamp.fromNanos(nanos)

export const logRow = (
  record: LogRecord,
  resource: Resource,
  scope: Scope,
  context: RowContext,
  index: number
): LogRow => {
  const observed = record.observedTime === 0n ? null : Timestamp.fromNanos(record.observedTime)
  const time = microsOr(record.time, observed ?? context.storedAtMicros)
  return {
    tenant_id: context.tenantId,
    timestamp: time,
    id: context.id(index, time),
    observed_timestamp: observed,
    trace_id: orNull(record.traceId),
    span_id: orNull(record.spanId),
    // Only the lowest eight bits are W3C trace flags.
    trace_flags: (record.flags & 0xff) || null,
    severity_text: orNull(record.severityText),
    severity_number: record.severityNumber || null,
    body: textValue(record.body) ?? "",
    event_name: orNull(record.eventName),
    service_name: resource.serviceName,
    service_version: resource.serviceVersion,
    service_instance: resource.serviceInstance,
    scope_name: orNull(scope.name),
    scope_version: orNull(scope.version),
    scope_attributes: scope.attributes,
    attributes: attributesText(record.attributes),
    resource_attributes: resource.attributes,
    source: "otel"
  }
}

const eventsText = (events: Span["events"]): string =>
  events.length === 0
    ? "[]"
    : JSON.stringify(
      events.map(({ time, name, attributes }) => ({ time_unix_nano: time.toString(), name, attributes }))
    )

const linksText = (links: Span["links"]): string =>
  links.length === 0
    ? "[]"
    : JSON.stringify(links.map((link) => ({
      trace_id: link.traceId,
      span_id: link.spanId,
      attributes: link.attributes
    })))

export const spanRow = (span: Span, resource: Resource, scope: Scope, context: RowContext): OtelTraceRow => ({
  tenant_id: context.tenantId,
  timestamp: microsOr(span.start, context.storedAtMicros),
  trace_id: span.traceId,
  span_id: span.spanId,
  parent_span_id: span.parentSpanId,
  name: span.name,
  kind: span.kind,
  start_time_unix_nano: Timestamp.clampInt8(span.start),
  end_time_unix_nano: Timestamp.clampInt8(span.end),
  service_name: resource.serviceName ?? unnamed(context),
  service_version: resource.serviceVersion,
  service_instance: resource.serviceInstance,
  scope_name: scope.name,
  scope_version: scope.version,
  status_code: span.statusCode,
  status_message: span.statusMessage,
  attributes: attributesText(span.attributes),
  resource_attributes: resource.attributes,
  events: eventsText(span.events),
  links: linksText(span.links)
})

/** `component` and `level` are attributes of the point too, because no other column is left for them. */
export const pointRow = (point: Point, resource: Resource, context: RowContext, index: number): OtelMetricRow => {
  const attributes = point.attributes
  const first = (name: string, other?: string): string =>
    textValue(attributes[name]) ?? (other === undefined ? null : textValue(attributes[other])) ?? ""
  const time = microsOr(point.time, context.storedAtMicros)
  return {
    tenant_id: context.tenantId,
    ingest_id: context.id(index, time),
    timestamp: time,
    trace_id: "",
    span_id: "",
    service_name: resource.serviceName ?? unnamed(context),
    span_name: point.name,
    span_kind: first("span.kind"),
    duration_ms: point.value,
    duration_seconds: point.value / 1000,
    metric_type: point.kind,
    http_method: first("http.method"),
    http_route: first("http.route"),
    http_status_code: first("http.status_code"),
    grpc_service: first("rpc.service", "grpc.service"),
    grpc_method: first("rpc.method", "grpc.method"),
    grpc_status_code: first("rpc.grpc.status_code", "grpc.status_code"),
    is_slow: false,
    component: first("component"),
    level: first("level"),
    unit: orNull(point.unit)
  }
}
