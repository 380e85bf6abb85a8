/**
 * Syslog in GELF, SNMP traps and CloudEvents as Event Log Activity (class 1008) in `ocsf_events`.
 *
 * `raw_data` keeps the original object and `unmapped` the whole payload, so nothing is lost by the mapping, save secrets.
 */
import type { Result } from "effect"
import { Schema } from "effect"
import * as Address from "../../decode/Address.ts"
import { type Element, nameOf } from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import * as EventTime from "../../decode/EventTime.ts"
import { isObject, type JsonObject, textValue } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import * as TraceId from "../../decode/TraceId.ts"
import type { OcsfEventRow } from "../../rows/OcsfEvents.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import * as CoreEvent from "../ocsf/CoreEvent.ts"
import * as Ocsf from "../ocsf/Ocsf.ts"
import * as OcsfSeverity from "../severity/OcsfSeverity.ts"
import * as Ecs from "./Ecs.ts"
import * as LogKeys from "./LogKeys.ts"
import * as LogText from "./LogText.ts"

const { json, scalar } = Payload

/** What others call it: times and levels by the one list of `LogKeys`, so that a record is as old and as bad as in `logs`. */
const others = (keys: ReadonlyArray<string>, known: ReadonlyArray<string>): ReadonlyArray<string> =>
  keys.filter((key) => !known.includes(key))

const read = Payload.make(
  Schema.Struct({
    level: json,
    level_name: json,
    severity: json,
    severity_text: json,
    severity_number: scalar,
    priority: json,
    timestamp: json,
    time: json,
    ts: json,
    short_message: json,
    message: json,
    msg: json,
    body: json,
    event: json,
    log: json,
    remote_addr: json,
    source: json,
    host: json,
    version: json,
    trace_id: scalar,
    span_id: scalar,
    varbinds: json
  }),
  {
    remote_addr: ["_remote_addr"],
    host: others(LogKeys.hosts, ["host"]),
    timestamp: others(LogKeys.times, ["timestamp", "time", "ts"]),
    message: others(LogKeys.bodies, ["message", "short_message", "msg", "body", "summary", "event", "log"]),
    severity: others(LogKeys.words, ["severity", "level_name"]),
    level: LogKeys.levels
  }
)

interface Activity {
  readonly level?: unknown
  /** Beside it PHP's Monolog has a `level` that counts the other way round than log4j's. */
  readonly level_name?: unknown
  readonly severity?: unknown
  readonly severity_text?: unknown
  readonly severity_number?: Scalar.Scalar
  readonly priority?: unknown
  readonly timestamp?: unknown
  readonly time?: unknown
  readonly ts?: unknown
  readonly short_message?: unknown
  readonly message?: unknown
  readonly msg?: unknown
  readonly body?: unknown
  readonly event?: unknown
  readonly log?: unknown
  readonly remote_addr?: unknown
  readonly source?: unknown
  readonly host?: unknown
  readonly version?: unknown
  readonly trace_id?: Scalar.Scalar
  readonly span_id?: Scalar.Scalar
  readonly varbinds?: unknown
}

const isTrap = ({ varbinds }: Activity): boolean => varbinds !== undefined && varbinds !== null

/** The Elastic Common Schema has objects of these names, which are no text. */
const unlessGroup = (value: unknown): string | null => isObject(value) ? null : textValue(value)

const messageOf = (activity: Activity, core: CoreEvent.CoreEvent | undefined, payload: JsonObject): string => {
  if (core?.message !== undefined) return core.message
  const message = LogText.of(activity.message)
  if (isTrap(activity)) return message ?? "SNMP trap received"
  return LogText.of(activity.short_message) ?? message ?? LogText.of(activity.msg) ?? LogText.of(activity.body) ??
    unlessGroup(activity.event) ?? unlessGroup(activity.log) ?? LogText.nested(payload) ?? "Event received"
}

const severityOf = (
  activity: Activity,
  core: CoreEvent.CoreEvent | undefined,
  ecsLevel: unknown,
  payload: JsonObject
): number => {
  if (core !== undefined) return OcsfSeverity.first(core.level)
  const { severity, severity_text } = activity
  const priority = LogKeys.wordOfPriority(activity.priority)
  const level = activity.level_name ?? LogKeys.windowsLevel(payload) ?? activity.level
  const known = OcsfSeverity.first(level, severity, severity_text, ecsLevel, priority)
  if (known > 0) return known
  return OcsfSeverity.ofNumber(activity.severity_number) ?? (isTrap(activity) && !LogKeys.isFilled(level) ? 1 : 0)
}

const idOf = (given: Scalar.Scalar, other: unknown): string | null =>
  TraceId.given(Scalar.text(given) ?? textValue(other))

export const map = (element: Element, context: RowContext, index: number): Result.Result<OcsfEventRow, Problem> =>
  read(element.payload, (activity) => rowOf(activity, element, context, index))

const rowOf = (
  activity: Activity,
  { envelope, original, payload }: Element,
  context: RowContext,
  index: number
): OcsfEventRow => {
  const core = CoreEvent.describe(envelope?.type, context.subject, payload)
  const isEcs = Ecs.isLikely(payload)
  const ecsLevel = isEcs ? Ecs.member(payload, "log.level") : undefined
  const severity = severityOf(activity, core, ecsLevel, payload)
  const host = core?.host ?? Ecs.nameOf(activity.host)
  const source = Ecs.nameOf(activity.source)
  const remote = Ecs.nameOf(activity.remote_addr) ?? source
  const ip = remote === null ? undefined : Address.inText(remote)
  const whole = JSON.stringify(original)
  const endpoint = JSON.stringify({ hostname: host ?? undefined, ip })
  // The payload's own time counts more than that of the envelope, which another may have put around it.
  const { claim, micros } = EventTime.first(
    context.storedAtMicros,
    LogKeys.timeValue(activity.timestamp),
    LogKeys.timeValue(activity.time),
    LogKeys.timeValue(activity.ts),
    envelope?.time
  )
  return {
    tenant_id: context.tenantId,
    id: context.id(index, micros, nameOf(envelope)),
    time: micros,
    class_uid: Ocsf.eventLogActivity.class_uid,
    category_uid: Ocsf.eventLogActivity.category_uid,
    activity_id: Ocsf.eventLogActivity.activity_id,
    type_uid: Ocsf.eventLogActivity.type_uid,
    activity_name: "Create",
    severity_id: severity,
    severity: Ocsf.severityName(severity),
    message: messageOf(activity, core, payload),
    status_id: 1,
    status: "Success",
    status_code: null,
    status_detail: null,
    metadata: JSON.stringify(
      Ocsf.metadata(context.subject, Timestamp.format(context.storedAtMicros), claim ?? envelope?.time)
    ),
    observables: JSON.stringify([
      ...(ip === undefined ? [] : [Ocsf.observable("IP Address", ip)]),
      ...(host === null || host === "" ? [] : [Ocsf.observable("Hostname", host)])
    ]),
    trace_id: idOf(activity.trace_id, isEcs ? Ecs.member(payload, "trace.id") : undefined),
    span_id: idOf(activity.span_id, isEcs ? Ecs.member(payload, "span.id") : undefined),
    actor: JSON.stringify({ app_name: envelope?.source ?? "syslog" }),
    device: endpoint,
    src_endpoint: endpoint,
    dst_endpoint: "{}",
    log_name: envelope?.subject ?? context.subject,
    log_provider: host ?? source ?? envelope?.source ?? "unknown",
    log_level: core?.severity ?? textValue(activity.severity) ?? textValue(activity.level_name ?? activity.level) ??
      textValue(activity.severity_text) ?? textValue(ecsLevel) ?? LogKeys.wordOfPriority(activity.priority) ?? null,
    log_version: core === undefined ? textValue(activity.version) : CoreEvent.version,
    unmapped: payload === original ? whole : JSON.stringify(payload),
    raw_data: whole
  }
}
