/**
 * An event that is OCSF already, as a row of `ocsf_events`.
 *
 * Members that nobody has a column for are not lost: `raw_data` keeps the whole payload. An id that is no UUID is
 * replaced by one that follows from the message.
 */
import { Result, Schema } from "effect"
import { fail, type Problem } from "../../decode/DecodeError.ts"
import { jsonb, type JsonObject, textValue } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { OcsfEventRow } from "../../rows/OcsfEvents.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import { severityName } from "./Ocsf.ts"

const scalar = Schema.optionalKey(Scalar.Scalar)
const json = Schema.optionalKey(Schema.Unknown)

const decode = Payload.make(Schema.Struct({
  id: Schema.String.check(Schema.isMinLength(1)),
  class_uid: Scalar.Scalar,
  category_uid: Scalar.Scalar,
  type_uid: Scalar.Scalar,
  activity_id: Scalar.Scalar,
  time: scalar,
  activity_name: scalar,
  severity_id: scalar,
  severity: scalar,
  message: scalar,
  status_id: scalar,
  status: scalar,
  status_code: scalar,
  status_detail: scalar,
  trace_id: scalar,
  span_id: scalar,
  log_name: scalar,
  log_provider: scalar,
  log_level: scalar,
  log_version: scalar,
  metadata: json,
  observables: json,
  actor: json,
  device: json,
  src_endpoint: json,
  dst_endpoint: json,
  unmapped: json,
  raw_data: json
}))

/** Only a native event has a class; everything else is mapped to one. */
export const isNative = (object: JsonObject): boolean =>
  object["class_uid"] !== undefined || object["classUid"] !== undefined

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const numbers = ["class_uid", "category_uid", "type_uid", "activity_id"] as const

export const map = (object: JsonObject, context: RowContext, index: number): Result.Result<OcsfEventRow, Problem> =>
  Result.flatMap(decode(object), (event): Result.Result<OcsfEventRow, Problem> => {
    const missing = numbers.find((name) => (Scalar.int4(event[name]) ?? 0) === 0)
    if (missing !== undefined) return fail([missing], "expected a number other than 0")
    // Zero means unknown, which readers have always seen as informational.
    const severity = Scalar.int4(event.severity_id) || 1
    const time = Timestamp.micros(event.time)
    return Result.succeed({
      tenant_id: context.tenantId,
      id: uuid.test(event.id) ? event.id.toLowerCase() : context.id(index, time),
      time: time ?? context.storedAtMicros,
      class_uid: Scalar.int4(event.class_uid) ?? 0,
      category_uid: Scalar.int4(event.category_uid) ?? 0,
      type_uid: Scalar.int4(event.type_uid) ?? 0,
      activity_id: Scalar.int4(event.activity_id) ?? 0,
      activity_name: Scalar.text(event.activity_name),
      severity_id: severity,
      severity: Scalar.text(event.severity) ?? severityName(severity),
      message: Scalar.text(event.message),
      status_id: Scalar.int4(event.status_id),
      status: Scalar.text(event.status),
      status_code: Scalar.text(event.status_code),
      status_detail: Scalar.text(event.status_detail),
      metadata: jsonb(event.metadata) ?? "{}",
      observables: jsonb(event.observables) ?? "[]",
      trace_id: Scalar.text(event.trace_id),
      span_id: Scalar.text(event.span_id),
      actor: jsonb(event.actor) ?? "{}",
      device: jsonb(event.device) ?? "{}",
      src_endpoint: jsonb(event.src_endpoint) ?? "{}",
      dst_endpoint: jsonb(event.dst_endpoint) ?? "{}",
      log_name: Scalar.text(event.log_name) ?? context.subject,
      log_provider: Scalar.text(event.log_provider),
      log_level: Scalar.text(event.log_level),
      log_version: Scalar.text(event.log_version),
      unmapped: jsonb(event.unmapped) ?? "{}",
      raw_data: textValue(event.raw_data) ?? JSON.stringify(object)
    })
  })
