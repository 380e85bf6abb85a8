/**
 * How rows that two writers made of the same messages are held against each other: by which columns they are found to be
 * the same row, and which columns say nothing about it.
 *
 * Ids that a writer makes up cannot tell which rows belong together, so the content does. A key need not be unique: rows
 * with one key are counted, not merged.
 */
import { type TableName, tables } from "../rows/Tables.ts"
import type { FoundTable } from "../storing/AdoptionPlan.ts"

/** Besides the time. */
const keys: Readonly<Record<TableName, ReadonlyArray<string>>> = {
  timeseries_metrics: ["gateway_id", "metric_name", "series_key", "device_id", "if_index"],
  ocsf_events: ["class_uid", "activity_id", "log_provider", "message"],
  sweep_host_states: ["host_ip", "poller_id", "partition"],
  ocsf_network_activity: [
    "src_endpoint_ip",
    "src_endpoint_port",
    "dst_endpoint_ip",
    "dst_endpoint_port",
    "protocol_num",
    "sampler_address"
  ],
  netflow_metrics: ["src_addr", "src_port", "dst_addr", "dst_port", "protocol", "sampler_address"],
  otel_metrics: ["trace_id", "span_id", "service_name", "span_name", "metric_type"],
  otel_traces: ["trace_id", "span_id"],
  logs: ["trace_id", "span_id", "service_name", "body"],
  events: ["id"]
}

/** Attributes of either form: JSON, or `k=v,k=v`. */
const attributes = new Set(["attributes", "resource_attributes", "scope_attributes"])

/** Where one writer says 0 for what it does not know and the other nothing. */
const zeros = new Set(["severity_number", "severity_id", "trace_flags", "level"])

/** Where only zeros say as much as nothing. */
const traceIds = new Set(["trace_id", "span_id", "parent_span_id"])

/** Lists of objects that have attributes. */
const spanLists = new Set(["events", "links"])

/** Text that holds JSON: its formatting is no difference. */
const jsonTexts = new Set(["raw_data"])

/** A column that one of the writers calls otherwise. */
const formerNames: Readonly<Record<string, string>> = { gateway_id: "poller_id" }

const madeUp: Readonly<Record<string, string>> = {
  created_at: "when it was written",
  ingest_id: "an id that a writer makes up",
  id: "an id that a writer makes up",
  tenant_id: "the writer's configuration"
}

export interface ComparedColumn {
  readonly name: string
  /** A column, or `column.member` of one that holds JSON. */
  readonly left: string
  readonly right: string
  /** `json` when its formatting does not count on either side; `second` of a time that is compared elsewhere. */
  readonly kind: "plain" | "json" | "time" | "second" | "array" | "attributes" | "zero" | "traceId" | "spanList"
}

export interface ComparisonPlan {
  /** Of each side. */
  readonly tables: { readonly left: TableName; readonly right: TableName }
  readonly times: { readonly left: string; readonly right: string }
  readonly key: ReadonlyArray<ComparedColumn>
  /** All others that are compared. */
  readonly values: ReadonlyArray<ComparedColumn>
  readonly leftOut: ReadonlyArray<{ readonly column: string; readonly why: string }>
}

const kindOf = (name: string, types: ReadonlyArray<string>): ComparedColumn["kind"] =>
  attributes.has(name)
    ? "attributes"
    : zeros.has(name)
    ? "zero"
    : traceIds.has(name)
    ? "traceId"
    : spanLists.has(name)
    ? "spanList"
    : types.some((type) => type === "jsonb" || type === "json") || jsonTexts.has(name)
    ? "json"
    : types.every((type) => type === "timestamp with time zone")
    ? "time"
    : types.some((type) => type.endsWith("[]"))
    ? "array"
    : "plain"

export const make = (table: TableName, left: FoundTable, right: FoundTable): ComparisonPlan => {
  const typeIn = (side: FoundTable, name: string) => side.columns.find((column) => column.name === name)?.type
  const there = (side: FoundTable, name: string): string | undefined => {
    const former = formerNames[name]
    return typeIn(side, name) !== undefined ? name : former !== undefined && typeIn(side, former) !== undefined
      ? former
      : undefined
  }
  // Where one side has the new name and the other the old one, the new one counts.
  const hasNew = (name: string) => typeIn(left, name) !== undefined || typeIn(right, name) !== undefined
  const renamed = new Set(Object.entries(formerNames).filter(([now]) => hasNew(now)).map(([, former]) => former))
  const names = new Set(
    [...left.columns, ...right.columns].map(({ name }) => name).filter((name) => !renamed.has(name))
  )
  const compared: Array<ComparedColumn> = []
  const leftOut: Array<{ readonly column: string; readonly why: string }> = []
  for (const name of names) {
    const onLeft = there(left, name)
    const onRight = there(right, name)
    const why = madeUp[name] ?? (onLeft === undefined
      ? "only on the right"
      : onRight === undefined
      ? "only on the left"
      : undefined)
    if (why !== undefined || onLeft === undefined || onRight === undefined) {
      leftOut.push({ column: name, why: why ?? "" })
    } else {
      const types = [typeIn(left, onLeft) ?? "", typeIn(right, onRight) ?? ""]
      compared.push({ name, left: onLeft, right: onRight, kind: kindOf(name, types) })
    }
  }
  const { time } = tables[table]
  const isKey = ({ name }: ComparedColumn) => name === time || keys[table].includes(name)
  return {
    tables: { left: table, right: table },
    times: { left: time, right: time },
    key: compared.filter(isKey),
    values: compared.filter((column) => !isKey(column)),
    leftOut
  }
}

interface Names {
  readonly has: (name: TableName) => boolean
}

/** An event in the Go writer's table and in the current form: what holds the same in both. */
const eventColumns: ReadonlyArray<readonly [go: string, current: string, kind: ComparedColumn["kind"]]> = [
  ["event_timestamp", "time", "time"],
  ["short_message", "message", "plain"],
  ["host", "device.hostname", "plain"],
  ["source", "actor.app_name", "plain"],
  ["severity", "log_level", "plain"],
  ["version", "log_version", "plain"]
]

/** The side with events in the Go writer's table only, where the other has them in the current one only. */
export const goSideOf = (left: Names, right: Names): "left" | "right" | undefined => {
  const isGo = (one: Names, other: Names) =>
    one.has("events") && !one.has("ocsf_events") && other.has("ocsf_events") && !other.has("events")
  return isGo(left, right) ? "left" : isGo(right, left) ? "right" : undefined
}

/** `events` against `ocsf_events`, either way round. Rows are found by the message itself, which both keep. */
export const eventForms = (left: FoundTable, right: FoundTable, goSide: "left" | "right"): ComparisonPlan => {
  const column = (name: string, go: string, current: string, kind: ComparedColumn["kind"]): ComparedColumn => ({
    name,
    left: goSide === "left" ? go : current,
    right: goSide === "left" ? current : go,
    kind
  })
  const values = eventColumns.map(([go, current, kind]) => column(go, go, current, kind))
  const key = [
    // Times of GELF may be a microsecond apart, but never in two seconds.
    column("second", "event_timestamp", "time", "second"),
    column("subject", "subject", "log_name", "plain"),
    column("raw_data", "raw_data", "raw_data", "json")
  ]
  const used = new Set(
    [...values, ...key].flatMap((one) => [one.left, one.right].map((name) => name.split(".")[0] ?? ""))
  )
  const leftOut = ([[left, "left"], [right, "right"]] as const).flatMap(([table, side]) =>
    table.columns.filter(({ name }) => !used.has(name))
      .map(({ name }) => ({ column: name, why: madeUp[name] ?? `only on the ${side}` }))
  )
  const [go, current] = [tables.events.time, tables.ocsf_events.time]
  return {
    tables: goSide === "left" ? { left: "events", right: "ocsf_events" } : { left: "ocsf_events", right: "events" },
    times: goSide === "left" ? { left: go, right: current } : { left: current, right: go },
    key,
    values,
    leftOut
  }
}
