/** Records from OTLP in its JSON encoding, each given to `row` with its resource and scope. */
import { Result, Schema } from "effect"
import type { Problem } from "../../decode/DecodeError.ts"
import { isObject, type JsonObject } from "../../decode/Json.ts"
import { problemOf } from "../../decode/Payload.ts"
import type { LogRecord, Point, Resource, Scope, Span } from "./Otlp.ts"
import * as Otlp from "./Otlp.ts"
import {
  type AnyValue,
  type KeyValue,
  type LogJson,
  LogsRequest,
  type MetricJson,
  MetricsRequest,
  type SpanJson,
  TracesRequest
} from "./OtlpJsonSchema.ts"

const integer = (value: string | number): string | number => {
  const read = Number(value)
  return Number.isSafeInteger(read) ? read : String(value)
}

const plain = (value: AnyValue | null | undefined): unknown => {
  if (value === null || value === undefined) return null
  if (value.intValue !== undefined) return integer(value.intValue)
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain)
  if (value.kvlistValue !== undefined) return attributes(value.kvlistValue.values)
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue ?? null
}

const attributes = (values: ReadonlyArray<KeyValue> | undefined): JsonObject =>
  Object.fromEntries((values ?? []).map(({ key, value }) => [key, plain(value)]))

const nanos = (value: string | number | undefined): bigint =>
  value === undefined ? 0n : BigInt(typeof value === "number" ? Math.trunc(value) : value)
const id = (value: string | undefined): string => value?.toLowerCase() ?? ""

interface Holder {
  readonly resource?: { readonly attributes?: ReadonlyArray<KeyValue> } | null
}

interface ScopeHolder {
  readonly scope?:
    | { readonly name?: string; readonly version?: string; readonly attributes?: ReadonlyArray<KeyValue> }
    | null
}

const resourceOf = (holder: Holder): Resource => Otlp.resource(attributes(holder.resource?.attributes))

const scopeOf = ({ scope }: ScopeHolder): Scope =>
  Otlp.scope(scope?.name ?? "", scope?.version ?? "", attributes(scope?.attributes))

const log = (record: typeof LogJson.Type): LogRecord => ({
  time: nanos(record.timeUnixNano),
  observedTime: nanos(record.observedTimeUnixNano),
  severityNumber: record.severityNumber ?? 0,
  severityText: record.severityText ?? "",
  body: plain(record.body),
  attributes: attributes(record.attributes),
  flags: record.flags ?? 0,
  traceId: id(record.traceId),
  spanId: id(record.spanId),
  eventName: record.eventName ?? ""
})

const span = (one: typeof SpanJson.Type): Span => ({
  traceId: id(one.traceId),
  spanId: id(one.spanId),
  parentSpanId: id(one.parentSpanId),
  name: one.name ?? "",
  kind: one.kind ?? 0,
  start: nanos(one.startTimeUnixNano),
  end: nanos(one.endTimeUnixNano),
  attributes: attributes(one.attributes),
  events: (one.events ?? []).map((event) => ({
    time: nanos(event.timeUnixNano),
    name: event.name ?? "",
    attributes: attributes(event.attributes)
  })),
  links: (one.links ?? []).map((link) => ({
    traceId: id(link.traceId),
    spanId: id(link.spanId),
    attributes: attributes(link.attributes)
  })),
  statusCode: one.status?.code ?? 0,
  statusMessage: one.status?.message ?? ""
})

const points = (metric: typeof MetricJson.Type): ReadonlyArray<Point> => {
  const base = { name: metric.name ?? "", unit: metric.unit ?? "" }
  const numbers = (kind: "gauge" | "sum") =>
    (metric[kind]?.dataPoints ?? []).map((point) => ({
      ...base,
      kind,
      time: nanos(point.timeUnixNano),
      value: Number(point.asDouble ?? point.asInt ?? 0),
      attributes: attributes(point.attributes)
    }))
  const sums = (kind: "histogram" | "exponential_histogram" | "summary") =>
    (metric[kind === "exponential_histogram" ? "exponentialHistogram" : kind]?.dataPoints ?? []).map((point) => ({
      ...base,
      kind,
      time: nanos(point.timeUnixNano),
      value: Number(point.sum ?? 0),
      attributes: attributes(point.attributes)
    }))
  return [
    ...numbers("gauge"),
    ...numbers("sum"),
    ...sums("histogram"),
    ...sums("exponential_histogram"),
    ...sums("summary")
  ]
}

const decodeLogs = Schema.decodeUnknownResult(LogsRequest)
const decodeTraces = Schema.decodeUnknownResult(TracesRequest)
const decodeMetrics = Schema.decodeUnknownResult(MetricsRequest)

const problem = (error: Schema.SchemaError): Problem => problemOf(error.issue)

/** Whether the value is a message of this encoding rather than any other JSON. */
export const isRequest = (value: unknown, key: "resourceLogs" | "resourceSpans" | "resourceMetrics"): boolean =>
  isObject(value) && value[key] !== undefined

export const logs = <Row>(value: unknown, row: (record: LogRecord, resource: Resource, scope: Scope) => Row) =>
  Result.mapBoth(decodeLogs(value), {
    onFailure: problem,
    onSuccess: (request): ReadonlyArray<Row> =>
      request.resourceLogs.flatMap((group) => {
        const resource = resourceOf(group)
        return (group.scopeLogs ?? []).flatMap((inner) => {
          const scope = scopeOf(inner)
          return (inner.logRecords ?? []).map((record) => row(log(record), resource, scope))
        })
      })
  })

export const spans = <Row>(value: unknown, row: (span: Span, resource: Resource, scope: Scope) => Row) =>
  Result.mapBoth(decodeTraces(value), {
    onFailure: problem,
    onSuccess: (request): ReadonlyArray<Row> =>
      request.resourceSpans.flatMap((group) => {
        const resource = resourceOf(group)
        return (group.scopeSpans ?? []).flatMap((inner) => {
          const scope = scopeOf(inner)
          return (inner.spans ?? []).map((one) => row(span(one), resource, scope))
        })
      })
  })

export const metrics = <Row>(value: unknown, row: (point: Point, resource: Resource) => Row) =>
  Result.mapBoth(decodeMetrics(value), {
    onFailure: problem,
    onSuccess: (request): ReadonlyArray<Row> =>
      request.resourceMetrics.flatMap((group) => {
        const resource = resourceOf(group)
        return (group.scopeMetrics ?? []).flatMap((inner) =>
          (inner.metrics ?? []).flatMap((metric) => points(metric).map((point) => row(point, resource)))
        )
      })
  })
