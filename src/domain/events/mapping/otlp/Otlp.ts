/**
 * OpenTelemetry's records as the mapping sees them, after either encoding has been read.
 *
 * Attributes are plain JSON: 64-bit integers beyond 2^53 are text, bytes base64, `NaN` and the infinities their names.
 * What is the same for all records of a resource or scope is prepared once, as a message can hold thousands.
 */
import { type JsonObject, textValue } from "../../decode/Json.ts"

/** Nanoseconds since 1970; 0 where the sender did not say. */
type Nanos = bigint

export interface Resource {
  readonly serviceName: string | null
  readonly serviceVersion: string | null
  readonly serviceInstance: string | null
  readonly attributes: string
}

export interface Scope {
  readonly name: string
  readonly version: string
  readonly attributes: string
}

export interface LogRecord {
  readonly time: Nanos
  readonly observedTime: Nanos
  readonly severityNumber: number
  readonly severityText: string
  readonly body: unknown
  readonly attributes: JsonObject
  readonly flags: number
  /** Lower-case hex, empty when there is none or all its bytes are zero; so are all ids here. */
  readonly traceId: string
  readonly spanId: string
  readonly eventName: string
}

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly kind: number
  readonly start: Nanos
  readonly end: Nanos
  readonly attributes: JsonObject
  readonly events: ReadonlyArray<SpanEvent>
  readonly links: ReadonlyArray<SpanLink>
  readonly statusCode: number
  readonly statusMessage: string
}

interface SpanEvent {
  readonly time: Nanos
  readonly name: string
  readonly attributes: JsonObject
}

interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: JsonObject
}

export interface Point {
  readonly name: string
  readonly unit: string
  readonly kind: "gauge" | "sum" | "histogram" | "exponential_histogram" | "summary"
  readonly time: Nanos
  /** The point's value, of distributions the sum; null when there is none, as a recorded 0 is a value. */
  readonly value: number | null
  readonly attributes: JsonObject
}

/** What JSON has no number for goes by its name. */
export const double = (value: number): number | string => Number.isFinite(value) ? value : String(value)

/** JSON text; empty when there are none, as readers of these columns expect. */
export const attributesText = (attributes: JsonObject): string => {
  const text = JSON.stringify(attributes)
  return text === "{}" ? "" : text
}

export const resource = (attributes: JsonObject): Resource => ({
  serviceName: textValue(attributes["service.name"]),
  serviceVersion: textValue(attributes["service.version"]),
  serviceInstance: textValue(attributes["service.instance.id"]),
  attributes: attributesText(attributes)
})

export const scope = (name: string, version: string, attributes: JsonObject): Scope => ({
  name,
  version,
  attributes: attributesText(attributes)
})
