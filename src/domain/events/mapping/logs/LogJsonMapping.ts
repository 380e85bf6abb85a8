/**
 * A log record in JSON (syslog, SNMP, OTLP and internal logs after the rule engine, and any other) as a row of `logs`.
 *
 * There is no schema to hold publishers to here: any object is a log record, and what has no column of its own becomes
 * an attribute.
 */
import { Result } from "effect"
import { type Element, nameOf } from "../../decode/CloudEvent.ts"
import * as EventTime from "../../decode/EventTime.ts"
import { isObject, type JsonObject, prunedText, textValue } from "../../decode/Json.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import * as TraceId from "../../decode/TraceId.ts"
import type { LogRow } from "../../rows/Logs.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import * as LogSeverity from "../severity/LogSeverity.ts"
import * as Ecs from "./Ecs.ts"
import * as LogAttributes from "./LogAttributes.ts"
import * as LogKeys from "./LogKeys.ts"
import * as LogText from "./LogText.ts"

type Keys = ReadonlyArray<string>

const { columns } = LogKeys

/** The Elastic Common Schema describes event and log in objects of these names, which are no text of the record. */
const groups: ReadonlySet<string> = new Set(["event", "log"])

const findBody = (object: JsonObject): string | undefined => {
  for (const key of LogKeys.bodies) {
    if (LogKeys.isFilled(object[key]) && !(groups.has(key) && isObject(object[key]))) return key
  }
  return undefined
}

const firstText = (object: JsonObject, keys: Keys): string | null => {
  const key = LogKeys.find(object, keys)
  return key === undefined ? null : textValue(object[key])
}

/** The value of the first of these keys (and paths, where `isEcs`), by its name when it is an object. */
const firstName = (object: JsonObject, isEcs: boolean, paths: Keys): string | null => {
  for (const path of paths) {
    const value = isEcs ? Ecs.member(object, path) : object[path]
    if (LogKeys.isFilled(value)) return Ecs.nameOf(value)
  }
  return null
}

const observedOf = (object: JsonObject): number | undefined => {
  for (const key of LogKeys.observedTimes) {
    const found = Timestamp.micros(object[key])
    if (found !== undefined) return found
  }
  return undefined
}

/** The first value of a trap, without its type: `OCTET STRING: link down` says `link down`. */
const trapText = (varbinds: unknown): string | undefined => {
  if (!Array.isArray(varbinds)) return undefined
  const found: unknown = varbinds.find((one) => isObject(one) && LogKeys.isFilled(one["value"]))
  if (!isObject(found)) return undefined
  const value = textValue(found["value"]) ?? ""
  return value.slice(value.indexOf(":") + 1).trim()
}

const resourceOf = (object: JsonObject): JsonObject => {
  const given = LogAttributes.read(object["resource_attributes"]) ??
    LogAttributes.read(object["resourceAttributes"]) ?? LogAttributes.read(object["resource"])
  if (given !== undefined) return given
  const resource: Record<string, unknown> = {}
  for (const key of LogKeys.resource.made) if (LogKeys.isFilled(object[key])) resource[key] = object[key]
  return resource
}

const noScope: JsonObject = {}

const scopeOf = (object: JsonObject) => {
  const scope = isObject(object["scope"]) ? object["scope"] : noScope
  const attributes = LogAttributes.read(object["scope_attributes"]) ?? LogAttributes.read(object["scopeAttributes"]) ??
    LogAttributes.read(scope["attributes"])
  return {
    name: firstText(object, columns.scopeName) ?? textValue(scope["name"]) ??
      (typeof object["scope"] === "string" && object["scope"] !== "" ? object["scope"] : null) ??
      textValue(Ecs.member(object, "log.logger")),
    version: firstText(object, columns.scopeVersion) ?? textValue(scope["version"]),
    attributes: attributes === undefined ? "" : text(attributes)
  }
}

/** Without what is empty in it; empty when there is nothing, as readers of these columns expect. */
const text = (attributes: JsonObject): string => {
  const whole = prunedText(attributes)
  return whole === "{}" ? "" : whole
}

const origins = ["syslog", "snmp", "otel", "internal"] as const

const sourceOf = (subject: string, object: JsonObject): string | null => {
  const token = subject.startsWith("logs.") ? subject.split(".")[1] : undefined
  if (token !== undefined && token !== "") return token
  return origins.find((origin) => subject.includes(origin)) ?? textValue(object["source"])
}

/** What a web application firewall found. */
const isFinding = (object: JsonObject): boolean =>
  object["event_name"] === finding || object["event_type"] === finding || object["eventName"] === finding ||
  (isObject(object["attributes"]) && object["attributes"]["event_type"] === finding)

const finding = "waf.finding"

const flagsOf = (value: unknown): number | undefined =>
  typeof value === "number" || typeof value === "string" ? Scalar.int4(value) : undefined

const severityOf = (object: JsonObject): LogSeverity.LogSeverity => {
  const given = [
    object["severity_text"] ?? object["severityText"],
    LogKeys.severityOf(object),
    LogKeys.levelOf(object),
    object["severity_number"] ?? object["severityNumber"]
  ] as const
  return isFinding(object) ? LogSeverity.ofFinding(...given) : LogSeverity.first(...given)
}

const timeOf = (
  object: JsonObject,
  envelopeTime: string | undefined,
  observed: number | undefined,
  receivedAt: number
) => {
  // Nearly all records have one time, in the first of these keys.
  const given = LogKeys.find(object, LogKeys.times)
  const only = given === undefined ? undefined : EventTime.first(receivedAt, LogKeys.timeValue(object[given]))
  return only !== undefined && only.claim === undefined
    ? only
    : EventTime.first(receivedAt, ...LogKeys.times.map((key) => LogKeys.timeValue(object[key])), envelopeTime, observed)
}

/** Whether each severity that is given says something; what does not is nowhere in the row. */
const isSeverityRead = (object: JsonObject): boolean => {
  for (const key of LogKeys.severities) {
    if (LogKeys.isFilled(object[key]) && !LogSeverity.isWordOrLevel(object[key])) return false
  }
  for (const key of LogKeys.severityNumbers) {
    if (LogKeys.isFilled(object[key]) && !LogSeverity.isNumber(object[key])) return false
  }
  return true
}

/** Not so a list where attributes belong; a text may be the name of the scope. */
const isGroupRead = (object: JsonObject, key: string): boolean => {
  const value = object[key]
  return !LogKeys.isFilled(value) || (key === "scope" && typeof value === "string") || LogAttributes.isReadable(value)
}

const areGroupsRead = (object: JsonObject): boolean => {
  for (const key of LogKeys.groups) if (!isGroupRead(object, key)) return false
  return true
}

/** Keys whose values are no times, severities, flags or attributes that the row could have. */
const unreadIn = (object: JsonObject, receivedAt: number): ReadonlySet<string> => {
  const unread = new Set<string>()
  for (const key of [...LogKeys.times, ...LogKeys.observedTimes]) {
    if (
      LogKeys.isFilled(object[key]) && EventTime.first(receivedAt, LogKeys.timeValue(object[key])).claim !== undefined
    ) unread.add(key)
  }
  for (const key of columns.traceFlags) {
    if (LogKeys.isFilled(object[key]) && flagsOf(object[key]) === undefined) unread.add(key)
  }
  for (const key of LogKeys.severities) if (!LogSeverity.isWordOrLevel(object[key])) unread.add(key)
  for (const key of LogKeys.severityNumbers) if (!LogSeverity.isNumber(object[key])) unread.add(key)
  for (const key of LogKeys.groups) if (!isGroupRead(object, key)) unread.add(key)
  return unread
}

export const map = ({ envelope, payload }: Element, context: RowContext, index: number): Result.Result<LogRow> => {
  const object = payload
  const resource = resourceOf(object)
  const scope = scopeOf(object)
  const isEcs = Ecs.isLikely(object)
  const bodyKey = findBody(object)
  const severity = severityOf(object)
  const observed = observedOf(object)
  const { claim, micros } = timeOf(object, envelope?.time, observed, context.storedAtMicros)
  const flagKey = LogKeys.find(object, columns.traceFlags)
  const flags = flagKey === undefined ? undefined : flagsOf(object[flagKey])
  const isAllRead = claim === undefined && (flagKey === undefined || flags !== undefined) &&
    (observed !== undefined || LogKeys.find(object, LogKeys.observedTimes) === undefined) && isSeverityRead(object) &&
    areGroupsRead(object)
  const attributes = LogAttributes.gather(
    object,
    bodyKey,
    isAllRead ? nothing : unreadIn(object, context.storedAtMicros)
  )
  return Result.succeed({
    tenant_id: context.tenantId,
    timestamp: micros,
    id: context.id(index, micros, nameOf(envelope)),
    observed_timestamp: observed ?? context.storedAtMicros,
    trace_id: TraceId.given(firstName(object, isEcs, columns.traceId)),
    span_id: TraceId.given(firstName(object, isEcs, columns.spanId)),
    trace_flags: flags ?? null,
    severity_text: severity.text,
    severity_number: severity.number,
    body: bodyKey === undefined
      ? LogText.nested(object) ?? trapText(object["varbinds"]) ?? context.subject
      : LogText.of(object[bodyKey]) ?? "",
    event_name: firstText(object, columns.eventName),
    service_name: firstName(object, isEcs, columns.serviceName) ?? firstText(resource, LogKeys.resource.serviceName),
    service_version: firstName(object, isEcs, columns.serviceVersion) ??
      firstText(resource, LogKeys.resource.serviceVersion),
    service_instance: firstName(object, isEcs, columns.serviceInstance) ??
      firstText(resource, LogKeys.resource.serviceInstance),
    scope_name: scope.name,
    scope_version: scope.version,
    scope_attributes: scope.attributes,
    attributes: text(attributes),
    resource_attributes: text(resource),
    source: isFinding(object) ? textValue(object["source"]) ?? "waf" : sourceOf(context.subject, object)
  })
}

const nothing: ReadonlySet<string> = new Set()
