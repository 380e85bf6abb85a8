/**
 * OpenTelemetry's records as rows of `logs`, `otel_metrics` and `otel_traces`.
 *
 * A time of 0 means that the sender did not know it: then the time at which the stream stored the message stands in,
 * rather than 1970, which no partition is kept for. So it does for a time that cannot be, see `EventTime`.
 */
import { Result } from "effect"
import { fail, type Problem } from "../../decode/DecodeError.ts"
import * as EventTime from "../../decode/EventTime.ts"
import { textValue } from "../../decode/Json.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { LogRow } from "../../rows/Logs.ts"
import type { OtelMetricRow } from "../../rows/OtelMetrics.ts"
import type { OtelTraceRow } from "../../rows/OtelTraces.ts"
import { type RowContext, unnamed } from "../../stream/EventMessage.ts"
import { attributesText, type LogRecord, type Point, type Resource, type Scope, type Span } from "./Otlp.ts"

const orNull = (text: string): string | null => text === "" ? null : text

export const logRow = (
  record: LogRecord,
  resource: Resource,
  scope: Scope,
  context: RowContext,
  index: number
): LogRow => {
  const observed = record.observedTime === 0n ? null : Timestamp.fromNanos(record.observedTime)
  const { claim, micros } = EventTime.first(context.storedAtMicros, record.time, record.observedTime)
  const attributes = claim === undefined ? record.attributes : { ...record.attributes, time_unix_nano: claim }
  return {
    tenant_id: context.tenantId,
    timestamp: micros,
    id: context.id(index, micros),
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
    attributes: attributesText(attributes),
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

/** Spans without ids could not be told apart, and the specification calls them invalid. */
export const spanRow = (
  span: Span,
  resource: Resource,
  scope: Scope,
  context: RowContext
): Result.Result<OtelTraceRow, Problem> =>
  span.traceId === "" || span.spanId === ""
    ? fail([span.traceId === "" ? "traceId" : "spanId"], "expected an id whose bytes are not all zero")
    : Result.succeed(validSpanRow(span, resource, scope, context))

const validSpanRow = (span: Span, resource: Resource, scope: Scope, context: RowContext): OtelTraceRow => ({
  tenant_id: context.tenantId,
  // What was claimed stays in `start_time_unix_nano`.
  timestamp: EventTime.first(context.storedAtMicros, span.start).micros,
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
  const { claim, micros } = EventTime.first(context.storedAtMicros, point.time)
  return {
    tenant_id: context.tenantId,
    ingest_id: context.id(index, micros),
    timestamp: micros,
    trace_id: "",
    span_id: "",
    service_name: resource.serviceName ?? unnamed(context),
    span_name: point.name,
    span_kind: first("span.kind"),
    duration_ms: point.value,
    duration_seconds: point.value === null ? null : point.value / 1000,
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
    unit: orNull(point.unit),
    claimed_time: claim ?? null
  }
}
