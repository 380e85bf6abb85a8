/**
 * A metric from `telemetry.>` as a row of `timeseries_metrics`.
 *
 * The series key is a hash of everything that names the series, so that parallel series of one metric name stay apart.
 * The hash function comes from outside, because MD5 is fixed by the database's twin of this rule.
 */
import type { Result } from "effect"
import { Schema } from "effect"
import type { Element } from "../../decode/CloudEvent.ts"
import type { Problem } from "../../decode/DecodeError.ts"
import * as EventTime from "../../decode/EventTime.ts"
import { documentWith, isObject, type JsonObject, objectOf, put } from "../../decode/Json.ts"
import * as Payload from "../../decode/Payload.ts"
import * as Scalar from "../../decode/Scalar.ts"
import type { TimeseriesMetricRow } from "../../rows/TimeseriesMetrics.ts"
import type { RowContext } from "../../stream/EventMessage.ts"

const { json, scalar } = Payload

const Metric = Schema.Struct({
  timestamp: scalar,
  gateway_id: scalar,
  agent_id: scalar,
  device_id: scalar,
  target_device_ip: scalar,
  if_index: scalar,
  metric_name: scalar,
  metric_type: scalar,
  value: scalar,
  unit: scalar,
  partition: scalar,
  scale: scalar,
  tags: json,
  metadata: json,
  is_delta: scalar
})

const spellings = {
  gateway_id: ["poller_id"],
  metric_name: ["name"],
  metric_type: ["type"],
  // Prometheus, CloudWatch and OpenTelemetry: what tells series apart under whatever name must not be lost.
  tags: ["labels", "dimensions", "attributes"]
}

const read = Payload.make(Metric, spellings)

const known: ReadonlySet<string> = new Set(
  [...Object.keys(Metric.fields), ...Object.values(spellings).flat()].flatMap((key) => [key, Payload.camel(key)])
)

const noMembers: JsonObject = {}

/**
 * Members that nobody has a column for. Texts are tags, as flat formats have them (`"host":"a"`): two hosts are two series.
 * All others are kept as metadata.
 */
const restOf = (object: JsonObject): { readonly tags: JsonObject; readonly metadata: JsonObject } => {
  let tags: Record<string, unknown> | undefined
  let metadata: Record<string, unknown> | undefined
  for (const key in object) {
    const value = object[key]
    if (known.has(key) || value === null || value === "") continue
    put(typeof value === "string" ? tags ??= {} : metadata ??= {}, key, value)
  }
  return { tags: tags ?? noMembers, metadata: metadata ?? noMembers }
}

/** Tags that change with the measurement rather than name the series. */
const unnamingTags: ReadonlySet<string> = new Set(["available", "metric", "packet_loss"])

const utf8 = new TextEncoder()
const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text)
const byteLength = (text: string): number => isAscii(text) ? text.length : utf8.encode(text).length

const lead = (name: string): string => `|${byteLength(name)}:${name}=`

const leads = {
  metricType: lead("metric_type"),
  metricName: lead("metric_name"),
  partition: lead("partition"),
  agentId: lead("agent_id"),
  deviceId: lead("device_id"),
  targetDeviceIp: lead("target_device_ip"),
  ifIndex: lead("if_index"),
  /** Those without names, as `["host:a"]`. */
  tags: lead("tags")
}

const component = (lead: string, value: string | number | null): string => {
  const trimmed = value === null ? "" : String(value).trim()
  return trimmed === "" ? "" : `${lead}${byteLength(trimmed)}:${trimmed}`
}

const tagText = (value: unknown): string | null =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : value === undefined ? null : String(value ?? "")

/** The text whose lower-case hex MD5 is the series key. */
export const seriesText = (
  row: Omit<TimeseriesMetricRow, "series_key" | "if_index">,
  ifIndex: string | number | null,
  tags: unknown
): string => {
  let text = component(leads.metricType, row.metric_type) + component(leads.metricName, row.metric_name) +
    component(leads.partition, row.partition) + component(leads.agentId, row.agent_id) +
    component(leads.deviceId, row.device_id) + component(leads.targetDeviceIp, row.target_device_ip) +
    component(leads.ifIndex, ifIndex)
  if (isObject(tags)) {
    for (const key of Object.keys(tags).sort()) {
      if (!unnamingTags.has(key) && key.trim() !== "") text += component(lead(`tag:${key}`), tagText(tags[key]))
    }
  } else text += component(leads.tags, tagText(tags ?? null))
  return text.slice(1)
}

/** A number of 32 bits, or the digits of a larger one. */
const wholeOf = (value: Scalar.Scalar): number | string | undefined =>
  Scalar.int4(value) ?? (Scalar.count(value) ?? Scalar.int8(value))?.toString()

const tagsOf = (given: unknown, more: JsonObject): unknown => {
  const object = objectOf(given)
  if (more === noMembers) return object ?? given
  if (object !== undefined) return { ...more, ...object }
  return given === undefined || given === null || given === "" ? more : { ...more, tags: given }
}

export const make =
  (md5Hex: (text: string) => string) =>
  ({ envelope, payload }: Element, context: RowContext): Result.Result<TimeseriesMetricRow, Problem> =>
    read(payload, (metric, reading) => {
      const { claim, micros } = EventTime.first(context.storedAtMicros, metric.timestamp, envelope?.time)
      // A number beyond 32 bits still names its series.
      const ifIndex = reading.read("if_index", metric.if_index, wholeOf, "a whole number")
      const index = ifIndex === null ? null : Scalar.int4(ifIndex) ?? null
      const fits = ifIndex === null || index !== null
      const rest = restOf(payload)
      const tags = tagsOf(metric.tags, rest.tags)
      const row = {
        tenant_id: context.tenantId,
        timestamp: micros,
        gateway_id: Scalar.text(metric.gateway_id) ?? "unknown",
        agent_id: Scalar.text(metric.agent_id),
        metric_name: Scalar.text(metric.metric_name) ?? "unknown",
        metric_type: Scalar.text(metric.metric_type) ?? "gauge",
        device_id: Scalar.text(metric.device_id),
        value: reading.float8("value", metric.value) ?? reading.refuse("value", "expected a number") ?? 0,
        unit: Scalar.text(metric.unit),
        tags: documentWith(tags, noMembers, "tags"),
        partition: Scalar.text(metric.partition),
        scale: reading.float8("scale", metric.scale),
        is_delta: reading.boolean("is_delta", metric.is_delta) ?? false,
        target_device_ip: Scalar.text(metric.target_device_ip),
        if_index: index,
        metadata: documentWith(
          metric.metadata,
          claim === undefined && fits ? rest.metadata : {
            ...rest.metadata,
            ...(claim === undefined ? {} : { timestamp: claim }),
            ...(fits ? {} : { if_index: ifIndex })
          },
          "metadata"
        ),
        series_key: ""
      }
      row.series_key = md5Hex(seriesText(row, ifIndex, tags))
      return row
    })
