/**
 * Under which keys loggers and collectors put what every record has: those of the existing system first, then others'
 * (journald and syslog-ng in capitals, Fluent Bit's `date`, Serilog's `@t`, log4j's `instant`, Python's `levelname`,
 * PostgreSQL's `error_severity`, Google's `textPayload`, Falco's `output`, `EventID` and `Level` of Windows).
 *
 * Only what the existing system leaves out of the attributes is `reserved`. Of the keys that it reads it leaves `service`,
 * `serviceName`, `serviceVersion`, `serviceInstance`, `flags` and those of hosts among them, and its readers look there;
 * the keys of others stay there too, as they do with it.
 */
import { isObject, type JsonObject } from "../../decode/Json.ts"
import * as SeverityTable from "../severity/SeverityTable.ts"
import * as Ecs from "./Ecs.ts"

type Keys = ReadonlyArray<string>

const own = {
  time: ["timestamp", "time", "ts", "@timestamp", "time_unix_nano", "timeUnixNano"],
  traceId: ["trace_id", "traceId"],
  spanId: ["span_id", "spanId"],
  traceFlags: ["trace_flags", "traceFlags"],
  eventName: ["event_name", "eventName"],
  serviceName: ["service.name", "service_name"],
  serviceVersion: ["service.version", "service_version"],
  serviceInstance: ["service.instance.id", "service.instance", "service_instance"],
  scopeName: ["scope.name", "scope_name", "scopeName"],
  scopeVersion: ["scope.version", "scope_version", "scopeVersion"]
} as const satisfies Record<string, Keys>

export const times: Keys = [
  ...own.time,
  "date",
  "datetime",
  "@t",
  "instant",
  "_SOURCE_REALTIME_TIMESTAMP",
  "__REALTIME_TIMESTAMP",
  "timereported",
  "Timestamp",
  "timeMillis",
  "TimeCreated"
]

export const observedTimes: Keys = [
  "observed_timestamp",
  "observedTimestamp",
  "observed_time_unix_nano",
  "observedTimeUnixNano"
]

export const bodies: Keys = [
  "body",
  "message",
  "msg",
  "summary",
  "short_message",
  "event",
  "log",
  "MESSAGE",
  "@message",
  "@m",
  "@mt",
  "Message",
  "RenderedMessage",
  "MessageTemplate",
  "textPayload",
  "output",
  "Body"
]

/** Words: beside a `level_name` PHP's Monolog has a `level` that counts the other way round than log4j's. */
export const words: Keys = ["severity", "level_name", "error_severity", "SeverityText"]

/** Beside `level`. */
export const levels: Keys = ["levelname", "PRIORITY", "syslogseverity", "@level", "@l", "LogLevel", "lvl", "Level"]

/** Words and levels, and OpenTelemetry's numbers, that the existing system leaves out of the attributes. */
export const severities: Keys = ["severity_text", "severityText", "severity", "level"]
export const severityNumbers: Keys = ["severity_number", "severityNumber"]

/** Where attributes are expected. */
export const groups: Keys = [
  "attributes",
  "resource_attributes",
  "resourceAttributes",
  "resource",
  "scope",
  "scope_attributes",
  "scopeAttributes"
]

export const hosts: Keys = ["host", "hostname", "_HOSTNAME", "HOST"]

/** Of all others, by the column that they are for; those with a dot may also be paths. */
export const columns = {
  ...own,
  traceId: [...own.traceId, "trace.id", "TraceId", "@tr"],
  spanId: [...own.spanId, "span.id", "SpanId", "@sp"],
  traceFlags: [...own.traceFlags, "flags"],
  serviceName: [...own.serviceName, "service", "serviceName", "ServiceName", ...hosts],
  serviceVersion: [...own.serviceVersion, "serviceVersion"],
  serviceInstance: [...own.serviceInstance, "serviceInstance", "service.node.name"]
} as const satisfies Record<string, Keys>

export const resource = {
  serviceName: ["service.name", "service_name"],
  serviceVersion: ["service.version", "service_version"],
  serviceInstance: ["service.instance.id", "service_instance"],
  /** What it is made of where none is given. */
  made: [...hosts, "remote_addr", "source", "ip", "ip_address"]
} as const satisfies Record<string, Keys>

/** Not among the attributes, for they are in a column; a text that lost against the body is nowhere else, and stays. */
export const reserved: ReadonlySet<string> = new Set([
  ...Object.values(own).flat(),
  ...observedTimes,
  "body",
  "message",
  "msg",
  "short_message",
  ...severities,
  ...severityNumbers,
  ...groups,
  "source"
])

export const isFilled = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

export const find = (object: JsonObject, keys: Keys): string | undefined => {
  for (const key of keys) if (isFilled(object[key])) return key
  return undefined
}

/** Falco's `priority` is a word; those of syslog and of intrusion detection are numbers, which count in ways of their own. */
export const wordOfPriority = (value: unknown): string | undefined =>
  typeof value === "string" && SeverityTable.numberOf(value) === undefined ? value : undefined

export const severityOf = (object: JsonObject): unknown => {
  const key = find(object, words)
  return key === undefined ? wordOfPriority(object["priority"]) : object[key]
}

/** How Windows counts the levels of its events; 0 is what is always logged. */
const windowsLevels = ["information", "critical", "error", "warning", "information", "verbose"] as const

/** A level of Windows as its word, as syslog counts otherwise; none for records of others. */
export const windowsLevel = (object: JsonObject): string | undefined => {
  if (object["EventID"] === undefined && object["EventRecordID"] === undefined) return undefined
  return windowsLevels[SeverityTable.numberOf(object["Level"]) ?? -1]
}

/** The level that a record gives in whatever key, a word or a number. */
export const levelOf = (object: JsonObject): unknown => {
  const ofWindows = windowsLevel(object)
  if (ofWindows !== undefined) return ofWindows
  const given = object["level"] ?? Ecs.member(object, "log.level")
  if (given !== undefined && given !== null) return given
  const key = find(object, levels)
  return key === undefined ? undefined : object[key]
}

const isWhole = (value: unknown): value is number | string =>
  Number.isSafeInteger(value) || (typeof value === "string" && /^\d{1,12}$/.test(value))

/** Seconds and nanoseconds in an object, as Google's and log4j's loggers give a time, as one number. */
export const timeValue = (value: unknown): unknown => {
  if (!isObject(value)) return value
  const seconds = value["seconds"] ?? value["epochSecond"]
  const nanos = value["nanos"] ?? value["nanoOfSecond"] ?? 0
  return isWhole(seconds) && isWhole(nanos) ? `${seconds}.${String(nanos).padStart(9, "0")}` : value
}
