/**
 * Syslog in GELF, SNMP traps and CloudEvents as Event Log Activity (class 1008) in `ocsf_events`.
 *
 * `raw_data` keeps the original object and `unmapped` the whole payload, so nothing is lost by the mapping.
 */
import { Result, Schema } from "effect"
import * as Address from "../../decode/Address.ts"
import * as CloudEvent from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import { type JsonObject, textValue } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import * as Timestamp from "../../decode/Timestamp.ts"
import type { OcsfEventRow } from "../../rows/OcsfEvents.ts"
import type { RowContext } from "../../stream/EventMessage.ts"
import { type CoreEvent, describe } from "../ocsf/CoreEvent.ts"
import * as Ocsf from "../ocsf/Ocsf.ts"

const scalar = Schema.optionalKey(Scalar.Scalar)
const json = Schema.optionalKey(Schema.Unknown)

const decode = Payload.make(
  Schema.Struct({
    level: scalar,
    severity: scalar,
    timestamp: scalar,
    time: scalar,
    short_message: json,
    message: json,
    msg: json,
    body: json,
    event: json,
    remote_addr: scalar,
    source: scalar,
    host: scalar,
    version: scalar,
    trace_id: scalar,
    span_id: scalar,
    varbinds: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Struct({ oid: scalar, value: scalar }))))
  }),
  { remote_addr: ["_remote_addr"], host: ["hostname"] }
)

type Activity = ReturnType<typeof decode> extends Result.Result<infer A, Problem> ? A : never

const messageOf = (activity: Activity, core: CoreEvent | undefined): string =>
  core?.message ??
    (activity.varbinds === undefined || activity.varbinds === null
      ? textValue(activity.short_message) ?? textValue(activity.message) ?? textValue(activity.msg) ??
        textValue(activity.body) ?? textValue(activity.event) ?? "Event received"
      : textValue(activity.message) ?? "SNMP trap received")

const levels = /^\s*\d+\s*$/

/** A level counts when it is a whole number, also as text. */
const levelOf = (value: Activity["level"]): number | null =>
  typeof value === "number" ? Math.trunc(value) : typeof value === "string" && levels.test(value) ? Number(value) : null

const severityOf = (activity: Activity, core: CoreEvent | undefined): number => {
  if (core !== undefined) return Ocsf.severityId(core.level, null)
  const level = levelOf(activity.level)
  if (level === null && activity.varbinds !== undefined && activity.varbinds !== null) return 1
  return Ocsf.severityId(level, Scalar.text(activity.severity) ?? Scalar.text(activity.level))
}

const timeOf = (activity: Activity, envelope: CloudEvent.Envelope | undefined): number | undefined =>
  Timestamp.micros(envelope?.time) ?? Timestamp.micros(activity.timestamp) ?? Timestamp.micros(activity.time)

const present = (object: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined))
  )

const toRow = (
  activity: Activity,
  { envelope, payload }: CloudEvent.Unwrapped,
  object: JsonObject,
  context: RowContext,
  index: number
): OcsfEventRow => {
  const core = describe(envelope?.type, context.subject, payload)
  const severity = severityOf(activity, core)
  const host = core?.host ?? Scalar.text(activity.host)
  const remote = Scalar.text(activity.remote_addr) ?? Scalar.text(activity.source)
  const ip = remote === null ? undefined : Address.inText(remote)
  const whole = JSON.stringify(object)
  const time = timeOf(activity, envelope)
  const endpoint = present({ hostname: host, ip })
  return {
    tenant_id: context.tenantId,
    id: context.id(index, time, envelope?.name),
    time: time ?? context.storedAtMicros,
    class_uid: Ocsf.eventLogActivity.class_uid,
    category_uid: Ocsf.eventLogActivity.category_uid,
    activity_id: Ocsf.eventLogActivity.activity_id,
    type_uid: Ocsf.eventLogActivity.type_uid,
    activity_name: "Create",
    severity_id: severity,
    severity: Ocsf.severityName(severity),
    message: messageOf(activity, core),
    status_id: 1,
    status: "Success",
    status_code: null,
    status_detail: null,
    metadata: JSON.stringify(Ocsf.metadata(context.subject, Timestamp.format(context.storedAtMicros), envelope?.time)),
    observables: JSON.stringify([
      ...(ip === undefined ? [] : [Ocsf.observable("IP Address", ip)]),
      ...(host === null || host === "" ? [] : [Ocsf.observable("Hostname", host)])
    ]),
    trace_id: Scalar.text(activity.trace_id),
    span_id: Scalar.text(activity.span_id),
    actor: JSON.stringify({ app_name: envelope?.source ?? "syslog" }),
    device: endpoint,
    src_endpoint: endpoint,
    dst_endpoint: "{}",
    log_name: envelope?.subject ?? context.subject,
    log_provider: host ?? Scalar.text(activity.source) ?? envelope?.source ?? "unknown",
    log_level: core?.severity ?? Scalar.text(activity.severity) ?? Scalar.text(activity.level),
    log_version: Scalar.text(activity.version),
    unmapped: payload === object ? whole : JSON.stringify(payload),
    raw_data: whole
  }
}

export const map = (object: JsonObject, context: RowContext, index: number): Result.Result<OcsfEventRow, Problem> => {
  const unwrapped = CloudEvent.unwrap(object)
  if (Result.isFailure(unwrapped)) return Result.fail(unwrapped.failure)
  const { envelope, payload } = unwrapped.success
  const activity = decode(payload)
  if (Result.isSuccess(activity)) {
    return Result.succeed(toRow(activity.success, unwrapped.success, object, context, index))
  }
  const problem = activity.failure
  return Result.fail(envelope === undefined ? problem : { ...problem, path: ["data", ...problem.path] })
}
