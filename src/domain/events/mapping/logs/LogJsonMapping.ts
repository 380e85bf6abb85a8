/**
 * A log record in JSON (syslog, SNMP, OTLP and internal logs after the rule engine, and any other) as a row of `logs`.
 *
 * There is no schema to hold publishers to here: any object is a log record, and what has no column of its own becomes
 * an attribute.
 */
import { Result } from "effect"
import * as CloudEvent from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import { isObject, type JsonObject, textValue } from "../../decode/Json.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { LogRow } from "../../rows/Logs.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import { attributesText } from "../otlp/Otlp.ts"
import * as LogAttributes from "./LogAttributes.ts"
import * as LogSeverity from "./LogSeverity.ts"

type Keys = ReadonlyArray<string>

const times: Keys = ["timestamp", "time", "ts", "@timestamp"]
const observedTimes: Keys = [
  "observed_timestamp",
  "observedTimestamp",
  "observed_time_unix_nano",
  "observedTimeUnixNano"
]
const bodies: Keys = ["body", "message", "msg", "summary", "short_message", "event", "log"]

const isFilled = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

const findKey = (object: JsonObject, keys: Keys): string | undefined => keys.find((key) => isFilled(object[key]))

const firstText = (object: JsonObject, ...keys: Keys): string | null => {
  const key = findKey(object, keys)
  return key === undefined ? null : textValue(object[key])
}

const momentOf = (object: JsonObject, keys: Keys): number | undefined => {
  for (const key of keys) {
    const found = Timestamp.micros(object[key])
    if (found !== undefined) return found
  }
  return undefined
}

const isCode = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 0x10ffff

/** Some publishers send text as an array of character codes. */
const textOfBody = (value: unknown): string =>
  Array.isArray(value) && value.length > 0 && value.every(isCode)
    ? value.map((code) => String.fromCodePoint(code)).join("").toWellFormed()
    : textValue(value) ?? ""

/** The first value of a trap, without its type: `OCTET STRING: link down` says `link down`. */
const trapText = (varbinds: unknown): string | undefined => {
  if (!Array.isArray(varbinds)) return undefined
  const found: unknown = varbinds.find((one) => isObject(one) && isFilled(one["value"]))
  if (!isObject(found)) return undefined
  const value = textValue(found["value"]) ?? ""
  return value.slice(value.indexOf(":") + 1).trim()
}

const hostKeys = ["host", "hostname", "remote_addr", "source", "ip", "ip_address"] as const

const resourceOf = (object: JsonObject): JsonObject => {
  const given = LogAttributes.read(object["resource_attributes"]) ??
    LogAttributes.read(object["resourceAttributes"]) ?? LogAttributes.read(object["resource"])
  if (given !== undefined) return given
  return Object.fromEntries(hostKeys.flatMap((key) => isFilled(object[key]) ? [[key, object[key]]] : []))
}

const scopeOf = (object: JsonObject) => {
  const scope = isObject(object["scope"]) ? object["scope"] : {}
  const attributes = LogAttributes.read(object["scope_attributes"]) ?? LogAttributes.read(object["scopeAttributes"]) ??
    LogAttributes.read(scope["attributes"])
  return {
    name: firstText(object, "scope.name", "scope_name", "scopeName") ?? textValue(scope["name"]) ??
      (typeof object["scope"] === "string" && object["scope"] !== "" ? object["scope"] : null),
    version: firstText(object, "scope.version", "scope_version", "scopeVersion") ?? textValue(scope["version"]),
    attributes: attributesText(attributes ?? {})
  }
}

const origins = ["syslog", "snmp", "otel", "internal"] as const

const sourceOf = (subject: string, object: JsonObject): string | null => {
  const token = subject.startsWith("logs.") ? subject.split(".")[1] : undefined
  if (token !== undefined && token !== "") return token
  return origins.find((origin) => subject.includes(origin)) ?? textValue(object["source"])
}

const flags = (value: unknown): number | null =>
  typeof value === "number" || typeof value === "string" ? Scalar.int4(value) : null

const toRow = (
  object: JsonObject,
  envelope: CloudEvent.Envelope | undefined,
  context: RowContext,
  index: number
): LogRow => {
  const resource = resourceOf(object)
  const scope = scopeOf(object)
  const bodyKey = findKey(object, bodies)
  const severity = LogSeverity.first(
    object["severity_text"] ?? object["severityText"],
    object["severity"],
    object["level"],
    object["severity_number"] ?? object["severityNumber"]
  )
  const observed = momentOf(object, observedTimes)
  const time = momentOf(object, times) ?? Timestamp.micros(envelope?.time) ?? observed
  return {
    tenant_id: context.tenantId,
    timestamp: time ?? context.storedAtMicros,
    id: context.id(index, time, envelope?.name),
    observed_timestamp: observed ?? context.storedAtMicros,
    trace_id: firstText(object, "trace_id", "traceId"),
    span_id: firstText(object, "span_id", "spanId"),
    trace_flags: flags(object["trace_flags"] ?? object["traceFlags"] ?? object["flags"]),
    severity_text: severity.text,
    severity_number: severity.number,
    body: bodyKey === undefined ? trapText(object["varbinds"]) ?? context.subject : textOfBody(object[bodyKey]),
    event_name: firstText(object, "event_name", "eventName"),
    service_name: firstText(object, "service.name", "service_name", "service", "serviceName", "host", "hostname") ??
      firstText(resource, "service.name", "service_name"),
    service_version: firstText(object, "service.version", "service_version", "serviceVersion") ??
      firstText(resource, "service.version", "service_version"),
    service_instance:
      firstText(object, "service.instance.id", "service.instance", "service_instance", "serviceInstance") ??
        firstText(resource, "service.instance.id", "service_instance"),
    scope_name: scope.name,
    scope_version: scope.version,
    scope_attributes: scope.attributes,
    attributes: attributesText(LogAttributes.gather(object, bodyKey)),
    resource_attributes: attributesText(resource),
    source: sourceOf(context.subject, object)
  }
}

export const map = (object: JsonObject, context: RowContext, index: number): Result.Result<LogRow, Problem> =>
  Result.map(
    CloudEvent.unwrap(object),
    ({ envelope, payload }) => toRow(payload, envelope, context, index)
  )
