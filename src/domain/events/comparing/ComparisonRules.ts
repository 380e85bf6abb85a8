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
const zeros = new Set(["severity_number", "trace_flags", "level"])

/** Text that holds JSON: its formatting is no difference. */
const jsonTexts = new Set([
  "events",
  "links",
  "raw_data"
])

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
  readonly left: string
  readonly right: string
  /** `json` when its formatting does not count on either side. */
  readonly kind: "plain" | "json" | "time" | "array" | "attributes" | "zero"
}

export interface ComparisonPlan {
  readonly table: TableName
  readonly time: string
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
    table,
    time,
    key: compared.filter(isKey),
    values: compared.filter((column) => !isKey(column)),
    leftOut
  }
}
