/** A span in plain JSON (not OTLP) as a row of `otel_traces`. */
import { Result, Schema } from "effect"
import type { Problem } from "../../decode/DecodeError.ts"
import { type JsonObject, textValue } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { OtelTraceRow } from "../../rows/OtelTraces.ts"
import type { RowContext } from "../../stream/EventMessage.ts"

const scalar = Schema.optionalKey(Scalar.Scalar)
const json = Schema.optionalKey(Schema.Unknown)

const decode = Payload.make(
  Schema.Struct({
    timestamp: scalar,
    trace_id: Schema.String,
    span_id: Schema.String,
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

export const map = (object: JsonObject, context: RowContext): Result.Result<OtelTraceRow, Problem> =>
  Result.map(decode(object), (span) => ({
    tenant_id: context.tenantId,
    timestamp: Timestamp.micros(span.timestamp) ?? Timestamp.micros(span.start_time_unix_nano) ??
      context.storedAtMicros,
    trace_id: span.trace_id,
    span_id: span.span_id,
    parent_span_id: Scalar.text(span.parent_span_id),
    name: Scalar.text(span.name),
    kind: Scalar.int4(span.kind),
    start_time_unix_nano: Scalar.int8(span.start_time_unix_nano),
    end_time_unix_nano: Scalar.int8(span.end_time_unix_nano),
    service_name: Scalar.text(span.service_name) ?? "unknown",
    service_version: Scalar.text(span.service_version),
    service_instance: Scalar.text(span.service_instance),
    scope_name: Scalar.text(span.scope_name),
    scope_version: Scalar.text(span.scope_version),
    status_code: Scalar.int4(span.status_code),
    status_message: Scalar.text(span.status_message),
    attributes: textValue(span.attributes),
    resource_attributes: textValue(span.resource_attributes),
    events: textValue(span.events),
    links: textValue(span.links)
  }))
