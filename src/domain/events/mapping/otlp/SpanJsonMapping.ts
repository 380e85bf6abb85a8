/** A span in plain JSON (not OTLP) as a row of `otel_traces`. */
import type { Result } from "effect"
import { Schema } from "effect"
import type { Element } from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import * as EventTime from "../../decode/EventTime.ts"
import { isObject, textValue } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import type { Reading } from "../../decode/Reading.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import * as TraceId from "../../decode/TraceId.ts"
import type { OtelTraceRow } from "../../rows/OtelTraces.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import * as OtlpNames from "./OtlpNames.ts"

const { json, scalar } = Payload
const Id = Schema.Union([Schema.String, Schema.Finite])

const read = Payload.make(
  Schema.Struct({
    timestamp: scalar,
    trace_id: Id,
    span_id: Id,
    parent_span_id: scalar,
    name: scalar,
    kind: scalar,
    start_time_unix_nano: scalar,
    end_time_unix_nano: scalar,
    service_name: scalar,
    service_version: scalar,
    service_instance: scalar,
    scope_name: scalar,
    scope_version: scalar,
    status_code: scalar,
    status_message: scalar,
    attributes: json,
    resource_attributes: json,
    events: json,
    links: json
  })
)

const idOf = (reading: Reading, key: string, value: string | number): string => {
  const id = String(value)
  return TraceId.given(id) ?? reading.refuse(key, "expected an id that is not all zero") ?? ""
}

/** A number of nanoseconds, or a time in any other form with all its digits. */
const nanosOf = (reading: Reading, key: string, value: Scalar.Scalar): bigint | null =>
  reading.read(
    key,
    value,
    (one) => Scalar.count(one) ?? Timestamp.nanos(one),
    "nanoseconds since 1970 or a time"
  )

/** With or without the prefix of the `.proto` file, in any case. */
const enumOf = (
  reading: Reading,
  key: string,
  value: Scalar.Scalar,
  names: ReadonlyMap<string, number>,
  prefix: string
) =>
  reading.read(key, value, (one) => {
    if (typeof one !== "string") return Scalar.int4(one)
    const upper = one.trim().toUpperCase()
    return names.get(upper) ?? names.get(prefix + upper) ?? Scalar.int4(one)
  }, "a number or a name of OpenTelemetry")

const clamp = (value: bigint | null): bigint | null => value === null ? null : Timestamp.clampInt8(value)

/** A time that was claimed and cannot be is kept among the attributes. */
const attributesOf = (given: unknown, claim: string | undefined): string | null =>
  claim === undefined || (!isObject(given) && given !== undefined && given !== null)
    ? textValue(given)
    : JSON.stringify({ ...(isObject(given) ? given : {}), timestamp: claim })

export const map = (
  { envelope, payload }: Element,
  context: RowContext
): Result.Result<OtelTraceRow, Problem> =>
  read(payload, (span, reading) => {
    const start = nanosOf(reading, "start_time_unix_nano", span.start_time_unix_nano)
    const { claim, micros } = EventTime.first(context.storedAtMicros, span.timestamp, start, envelope?.time)
    return {
      tenant_id: context.tenantId,
      timestamp: micros,
      trace_id: idOf(reading, "trace_id", span.trace_id),
      span_id: idOf(reading, "span_id", span.span_id),
      parent_span_id: TraceId.given(Scalar.text(span.parent_span_id)),
      name: Scalar.text(span.name),
      kind: enumOf(reading, "kind", span.kind, OtlpNames.spanKinds, "SPAN_KIND_"),
      start_time_unix_nano: clamp(start),
      end_time_unix_nano: clamp(nanosOf(reading, "end_time_unix_nano", span.end_time_unix_nano)),
      service_name: Scalar.text(span.service_name) ?? "unknown",
      service_version: Scalar.text(span.service_version),
      service_instance: Scalar.text(span.service_instance),
      scope_name: Scalar.text(span.scope_name),
      scope_version: Scalar.text(span.scope_version),
      status_code: enumOf(reading, "status_code", span.status_code, OtlpNames.statusCodes, "STATUS_CODE_"),
      status_message: Scalar.text(span.status_message),
      attributes: attributesOf(span.attributes, claim),
      resource_attributes: textValue(span.resource_attributes),
      events: textValue(span.events),
      links: textValue(span.links)
    }
  })
