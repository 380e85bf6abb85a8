/**
 * OTLP in its JSON encoding: the same messages as the protobuf one, with ids in hex and 64-bit integers as text.
 *
 * Only the field names of the specification (camel case) are read; what nobody stores is not described.
 */
import { Schema } from "effect"

export interface AnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string | number
  readonly doubleValue?: number | string
  readonly bytesValue?: string
  readonly arrayValue?: { readonly values?: ReadonlyArray<AnyValue> }
  readonly kvlistValue?: { readonly values?: ReadonlyArray<KeyValue> }
}

export interface KeyValue {
  readonly key: string
  readonly value?: AnyValue | null
}

const optional = Schema.optionalKey
const Int64 = Schema.Union([Schema.Int, Schema.String.check(Schema.isPattern(/^-?\d{1,20}$/))])
const Double = Schema.Union([Schema.Finite, Schema.Literals(["NaN", "Infinity", "-Infinity"])])

const AnyValue: Schema.Codec<AnyValue> = Schema.suspend(() =>
  Schema.Struct({
    stringValue: optional(Schema.String),
    boolValue: optional(Schema.Boolean),
    intValue: optional(Int64),
    doubleValue: optional(Double),
    bytesValue: optional(Schema.String),
    arrayValue: optional(Schema.Struct({ values: optional(Schema.Array(AnyValue)) })),
    kvlistValue: optional(Schema.Struct({ values: optional(Schema.Array(KeyValue)) }))
  })
)

const KeyValue: Schema.Codec<KeyValue> = Schema.Struct({ key: Schema.String, value: optional(Schema.NullOr(AnyValue)) })

const Attributes = optional(Schema.Array(KeyValue))
const Text = optional(Schema.String)
const Id = optional(Schema.String.check(Schema.isPattern(/^(?:[0-9a-fA-F]{2})*$/)))
/** The largest number of 64 bits; a moment that late does not fit a column either. */
const nanosMax = 2 ** 64

const Nanos = optional(
  Schema.Union([
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: nanosMax })),
    Schema.String.check(Schema.isPattern(/^\d{1,20}$/))
  ])
)
const Enum = optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 })))
const Flags = optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 })))

const list = <S extends Schema.Constraint>(item: S) => optional(Schema.Array(item))
const ResourceJson = optional(Schema.NullOr(Schema.Struct({ attributes: Attributes })))
const ScopeJson = optional(Schema.NullOr(Schema.Struct({ name: Text, version: Text, attributes: Attributes })))

export const LogJson = Schema.Struct({
  timeUnixNano: Nanos,
  observedTimeUnixNano: Nanos,
  severityNumber: Enum,
  severityText: Text,
  body: optional(Schema.NullOr(AnyValue)),
  attributes: Attributes,
  flags: Flags,
  traceId: Id,
  spanId: Id,
  eventName: Text
})

export const LogsRequest = Schema.Struct({
  resourceLogs: Schema.Array(Schema.Struct({
    resource: ResourceJson,
    scopeLogs: list(Schema.Struct({ scope: ScopeJson, logRecords: list(LogJson) }))
  }))
})

export const SpanJson = Schema.Struct({
  traceId: Id,
  spanId: Id,
  parentSpanId: Id,
  name: Text,
  kind: Enum,
  startTimeUnixNano: Nanos,
  endTimeUnixNano: Nanos,
  attributes: Attributes,
  events: list(Schema.Struct({ timeUnixNano: Nanos, name: Text, attributes: Attributes })),
  links: list(Schema.Struct({ traceId: Id, spanId: Id, attributes: Attributes })),
  status: optional(Schema.NullOr(Schema.Struct({ code: Enum, message: Text })))
})

export const TracesRequest = Schema.Struct({
  resourceSpans: Schema.Array(Schema.Struct({
    resource: ResourceJson,
    scopeSpans: list(Schema.Struct({ scope: ScopeJson, spans: list(SpanJson) }))
  }))
})

const NumberPoints = optional(Schema.Struct({
  dataPoints: list(Schema.Struct({
    timeUnixNano: Nanos,
    asDouble: optional(Double),
    asInt: optional(Int64),
    attributes: Attributes
  }))
}))

const SumPoints = optional(Schema.Struct({
  dataPoints: list(Schema.Struct({ timeUnixNano: Nanos, sum: optional(Double), attributes: Attributes }))
}))

export const MetricJson = Schema.Struct({
  name: Text,
  unit: Text,
  gauge: NumberPoints,
  sum: NumberPoints,
  histogram: SumPoints,
  exponentialHistogram: SumPoints,
  summary: SumPoints
})

export const MetricsRequest = Schema.Struct({
  resourceMetrics: Schema.Array(Schema.Struct({
    resource: ResourceJson,
    scopeMetrics: list(Schema.Struct({ scope: ScopeJson, metrics: list(MetricJson) }))
  }))
})
