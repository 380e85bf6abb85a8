/**
 * An event that is OCSF already, as a row of `ocsf_events`.
 *
 * Members that nobody has a column for are not lost: `raw_data` keeps the whole payload; where the event has a `raw_data` of
 * its own, they are in `unmapped`. An id that is no UUID is
 * replaced by one that follows from the message.
 */
import type { Result } from "effect"
import { Schema } from "effect"
import type { Element } from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import * as EventTime from "../../decode/EventTime.ts"
import { documentWith, isObject, jsonb, type JsonObject, prunedText, textValue } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as TraceId from "../../decode/TraceId.ts"
import type { OcsfEventRow } from "../../rows/OcsfEvents.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import * as OcsfSeverity from "../severity/OcsfSeverity.ts"
import { severityName } from "./Ocsf.ts"

const { json, scalar } = Payload

const Event = Schema.Struct({
  id: Schema.Union([Schema.String.check(Schema.isMinLength(1)), Schema.Finite.check(Schema.isGreaterThan(0))]),
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
})

const read = Payload.make(Event)

const known: ReadonlySet<string> = new Set(Object.keys(Event.fields).flatMap((key) => [key, Payload.camel(key)]))

/** Their columns hold documents: text that is none finds no place there. */
const documents = ["observables", "actor", "device", "src_endpoint", "dst_endpoint"] as const

/** What is in no column. */
const rest = (event: typeof Event.Type, payload: JsonObject): JsonObject =>
  Object.fromEntries([
    ...documents.filter((key) => textValue(event[key]) !== null && jsonb(event[key]) === null)
      .map((key) => [key, event[key]] as const),
    ...Object.entries(payload).filter(([key]) => !known.has(key))
  ])

/** Only a native event has a class; everything else is mapped to one. */
export const isNative = (object: JsonObject): boolean =>
  object["class_uid"] !== undefined || object["classUid"] !== undefined

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const traceIdOf = (value: Scalar.Scalar): string | null => TraceId.given(Scalar.text(value))

const metadataOf = (metadata: unknown, claim: string | undefined): string => {
  const kept = claim === undefined ? {} : { original_time: claim }
  return documentWith(isObject(metadata) ? prunedText(metadata) : metadata, kept, "metadata") ?? "{}"
}

export const map = (
  { envelope, payload }: Element,
  context: RowContext,
  index: number
): Result.Result<OcsfEventRow, Problem> =>
  read(payload, (event, reading) => {
    /** Activity 0 is unknown, which an event may well say; no class or category of events is 0. */
    const uid = (key: "class_uid" | "category_uid" | "type_uid"): number =>
      reading.int4(key, event[key]) || (reading.refuse(key, "expected a number other than 0") ?? 0)
    const activity = reading.int4("activity_id", event.activity_id) ??
      reading.refuse("activity_id", "expected a number")
    // Zero means unknown, which readers have always seen as informational.
    const severity = reading.int4("severity_id", event.severity_id) ||
      OcsfSeverity.first(undefined, Scalar.text(event.severity)) || 1
    const id = String(event.id)
    const { claim, micros } = EventTime.first(context.storedAtMicros, event.time, envelope?.time)
    const rawData = textValue(event.raw_data)
    return {
      tenant_id: context.tenantId,
      id: uuid.test(id) ? id.toLowerCase() : context.id(index, micros),
      time: micros,
      class_uid: uid("class_uid"),
      category_uid: uid("category_uid"),
      type_uid: uid("type_uid"),
      activity_id: activity ?? 0,
      activity_name: Scalar.text(event.activity_name),
      severity_id: severity,
      severity: Scalar.text(event.severity) ?? severityName(severity),
      message: Scalar.text(event.message),
      status_id: reading.int4("status_id", event.status_id),
      status: Scalar.text(event.status),
      status_code: Scalar.text(event.status_code),
      status_detail: Scalar.text(event.status_detail),
      metadata: metadataOf(event.metadata, claim),
      observables: jsonb(event.observables) ?? "[]",
      trace_id: traceIdOf(event.trace_id),
      span_id: traceIdOf(event.span_id),
      actor: jsonb(event.actor) ?? "{}",
      device: jsonb(event.device) ?? "{}",
      src_endpoint: jsonb(event.src_endpoint) ?? "{}",
      dst_endpoint: jsonb(event.dst_endpoint) ?? "{}",
      log_name: Scalar.text(event.log_name) ?? context.subject,
      log_provider: Scalar.text(event.log_provider),
      log_level: Scalar.text(event.log_level),
      log_version: Scalar.text(event.log_version),
      unmapped:
        (rawData === null ? jsonb(event.unmapped) : documentWith(event.unmapped, rest(event, payload), "unmapped")) ??
          "{}",
      raw_data: rawData ?? JSON.stringify(payload)
    }
  })
