/**
 * An event as the Go writer of v1.0.76 puts it into its table `events`, for a database whose readers know no other.
 *
 * Severity words stay as they were sent, and the version of core's events is `1.1`, as the pages filter by both. Fields
 * are read one by one: a wrong type of one costs that one only. What the Go writer takes the time of now for is stored at
 * the time of receipt, so that a message that comes again is the same row.
 */
import * as EventTime from "../../decode/EventTime.ts"
import type { JsonObject } from "../../decode/Json.ts"
import { textValue } from "../../decode/Json.ts"
import { int4 } from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { GoEventRow } from "../../rows/GoEvents.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import { describe } from "../ocsf/CoreEvent.ts"

/** 1925 to 2283, which is all that the Go writer takes of a GELF time. */
const secondsMin = -1_420_070_400
const secondsMax = 9_904_550_400

/**
 * Seconds with a fraction, counted as the Go writer counts them: a microsecond less than the exact value at times, and
 * another row with the same id if it were not so.
 */
const gelfMicros = (seconds: number): number | undefined => {
  if (!(seconds > 0) || seconds < secondsMin || seconds > secondsMax) return undefined
  const whole = Math.trunc(seconds)
  const nanos = Math.trunc((seconds - whole) * 1e9)
  return whole * 1_000_000 + Math.floor(nanos / 1000)
}

const timeOf = (payload: JsonObject, envelopeTime: string | undefined, receivedAt: number): number | undefined => {
  const given = payload["timestamp"]
  const own = typeof given === "number" ? gelfMicros(given) ?? Timestamp.micros(given) : Timestamp.micros(given)
  // A device without a clock, or in another unit, is stored at the time of receipt, as everywhere; `raw_data` has what it
  // claimed.
  if (EventTime.isBelieved(given, own, receivedAt)) return own
  const sent = Timestamp.micros(envelopeTime)
  return EventTime.isBelieved(envelopeTime, sent, receivedAt) ? sent : undefined
}

const level = (value: unknown): number | null =>
  typeof value === "number" || typeof value === "string" ? int4(value) ?? null : null

const bodies = ["short_message", "message", "msg", "body", "event"] as const

const messageOf = (payload: JsonObject): string | null => {
  for (const key of bodies) {
    const text = textValue(payload[key])
    if (text !== null && text !== "") return text
  }
  return null
}

/** `object` is the whole message, `payload` what is in its envelope, `rawData` the message as it was sent. */
export const map = (
  object: JsonObject,
  payload: JsonObject,
  rawData: string,
  context: RowContext,
  index: number
): GoEventRow => {
  const envelope = object === payload ? {} : object
  const subject = textValue(envelope["subject"]) ?? ""
  const type = textValue(envelope["type"])
  const core = describe(type ?? undefined, subject === "" ? context.subject : subject, payload)
  const time = timeOf(payload, textValue(envelope["time"]) ?? undefined, context.storedAtMicros)
  const id = textValue(object["id"]) ?? ""
  return {
    tenant_id: context.tenantId,
    event_timestamp: time ?? context.storedAtMicros,
    // Several items of one event would be one row by its id alone.
    id: id === "" ? context.id(index, time) : index === 0 ? id : `${id}#${index}`,
    specversion: textValue(envelope["specversion"]),
    source: textValue(envelope["source"]),
    type,
    datacontenttype: textValue(envelope["datacontenttype"]),
    subject: subject === "" ? context.subject : subject,
    remote_addr: textValue(payload["_remote_addr"]) ?? textValue(payload["remote_addr"]),
    host: core?.host ?? textValue(payload["host"]),
    level: core?.level ?? level(payload["level"]),
    severity: core?.severity ?? textValue(payload["severity"]),
    short_message: core?.message ?? messageOf(payload),
    version: core === undefined ? textValue(payload["version"]) : "1.1",
    raw_data: rawData
  }
}
