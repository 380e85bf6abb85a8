/**
 * What dashboards of the existing system are told of an answer: its columns with their meaning, and how it may be drawn.
 *
 * The same for every question about an entity, whatever it computes; some names are the original's and never returned. Only a
 * question with `bucket:` has columns of its own.
 */
import type { Catalog } from "../srql/catalog/Catalog.ts"
import type { ColumnType } from "../srql/catalog/Entity.ts"
import type { Plan } from "../srql/plan/Plan.ts"

type Semantic = "id" | "time" | "value" | "label" | "series"

export interface VisualizedColumn {
  readonly name: string
  readonly type: "text" | "text_array" | "bool" | "int" | "float" | "timestamptz" | "jsonb"
  readonly semantic?: Semantic
  readonly unit?: string
}

export interface Suggestion {
  readonly kind: "timeseries" | "table"
  readonly x?: string
  readonly y?: string
  readonly series?: string
}

export interface Visualization {
  readonly columns: ReadonlyArray<VisualizedColumn>
  readonly suggestions: ReadonlyArray<Suggestion>
}

const typeOf: Record<ColumnType, VisualizedColumn["type"]> = {
  text: "text",
  text_array: "text_array",
  bool: "bool",
  int4: "int",
  int8: "int",
  float4: "float",
  float8: "float",
  numeric: "float",
  timestamptz: "timestamptz",
  jsonb: "jsonb",
  uuid: "text"
}

/** Of names that are no columns. */
const typeOfOthers: Readonly<Record<string, VisualizedColumn["type"]>> = {
  first_seen: "timestamptz",
  last_seen: "timestamptz",
  last_heartbeat: "timestamptz"
}

const marks: Readonly<Record<string, Semantic>> = { "#": "id", "*": "label", "+": "value", "~": "series" }

/** `name`, a mark of its meaning, and the unit in parentheses. */
const wordPattern = /^([a-z_]+)([#*+~]?)(?:\(([a-z]+)\))?$/

interface Drawn {
  readonly columns: string
  readonly y?: string
  readonly series?: string
  /** Times that stand for themselves. */
  readonly noTimes?: ReadonlyArray<string>
}

const timeseries: Drawn = {
  columns: "timestamp metric_name~ metric_type device_id# gateway_id# agent_id# value+ unit tags",
  y: "value",
  series: "metric_name"
}

const drawn: Readonly<Record<string, Drawn>> = {
  agents: {
    columns:
      "uid# name* type_id type version vendor_name gateway_id# capabilities ip first_seen_time last_seen_time metadata"
  },
  devices: {
    columns:
      "uid# hostname* ip mac gateway_id# agent_id# discovery_sources is_available first_seen last_seen last_heartbeat " +
      "device_type service_type service_status metadata"
  },
  gateways: {
    columns:
      "gateway_id# status spiffe_identity first_registered first_seen last_seen is_healthy agent_count checker_count " +
      "metadata updated_at"
  },
  services: {
    columns: "timestamp gateway_id# agent_id# service_name* service_type available message details partition created_at"
  },
  interfaces: {
    columns: "timestamp device_id# interface_uid# device_ip if_name* if_descr if_alias if_index if_type if_type_name " +
      "interface_kind if_speed speed_bps mtu duplex if_phys_address ip_addresses if_admin_status if_oper_status agent_id# " +
      "gateway_id# metadata created_at"
  },
  device_graph: { columns: "result" },
  events: { columns: "event_timestamp id# event_type source subject severity short_message created_at" },
  logs: { columns: "id# timestamp trace_id# span_id# severity_text severity_number body service_name created_at" },
  traces: {
    columns:
      "timestamp trace_id# span_id# parent_span_id# name* start_time_unix_nano end_time_unix_nano service_name " +
      "status_code created_at"
  },
  trace_summaries: {
    columns: "timestamp trace_id# root_span_id# root_span_name* root_service_name* root_span_kind duration_ms+(ms) " +
      "service_set span_count+ error_count+"
  },
  otel_metrics: {
    columns:
      "timestamp trace_id# span_id# service_name span_name* duration_ms+(ms) metric_type http_method http_route " +
      "http_status_code grpc_service grpc_method grpc_status_code is_slow component level"
  },
  timeseries_metrics: timeseries,
  snmp_metrics: timeseries,
  rperf_metrics: timeseries,
  cpu_metrics: {
    columns:
      "timestamp gateway_id# agent_id# host_id# core_id usage_percent+(percent) frequency_hz+(hz) label* device_id#",
    y: "usage_percent",
    series: "label"
  },
  memory_metrics: {
    columns:
      "timestamp gateway_id# agent_id# host_id# usage_percent+(percent) used_bytes+(bytes) available_bytes+(bytes) " +
      "total_bytes+(bytes) device_id#",
    y: "usage_percent"
  },
  disk_metrics: {
    columns: "timestamp gateway_id# agent_id# host_id# mount_point* usage_percent+(percent) used_bytes+(bytes) " +
      "available_bytes+(bytes) total_bytes+(bytes) device_id#",
    y: "usage_percent",
    series: "mount_point"
  },
  process_metrics: {
    columns:
      "timestamp gateway_id# agent_id# host_id# pid# name* cpu_usage+(percent) memory_usage+(bytes) status device_id#",
    y: "cpu_usage",
    series: "name"
  },
  device_updates: {
    columns:
      "observed_at device_id# agent_id# gateway_id# discovery_source ip mac hostname available metadata created_at"
  },
  alerts: {
    columns:
      "id# title description severity* status* source_type source_id device_uid agent_uid metric_name metric_value " +
      "threshold_value comparison triggered_at acknowledged_at acknowledged_by resolved_at resolved_by escalated_at " +
      "escalation_level notification_count tags",
    noTimes: ["acknowledged_at", "resolved_at", "escalated_at"]
  }
}

const buckets: Visualization = {
  columns: [
    { name: "timestamp", type: "timestamptz", semantic: "time" },
    { name: "series", type: "text", semantic: "series" },
    { name: "value", type: "float", semantic: "value" }
  ],
  suggestions: [{ kind: "timeseries", x: "timestamp", y: "value", series: "series" }]
}

const known = new WeakMap<Catalog, Map<string, Visualization>>()

/** Null for an entity that the original does not have. */
export const of = ({ entity, shape }: Pick<Plan, "entity" | "shape">, catalog: Catalog): Visualization | null => {
  if (shape.kind === "buckets") return buckets
  const told = drawn[entity]
  if (told === undefined) return null
  const ofCatalog = known.get(catalog) ?? new Map<string, Visualization>()
  const visualization = ofCatalog.get(entity) ?? made(entity, told, catalog)
  known.set(catalog, ofCatalog.set(entity, visualization))
  return visualization
}

const made = (entity: string, told: Drawn, catalog: Catalog): Visualization => {
  const types = new Map(catalog.entity(entity)?.columns.map(({ name, type }) => [name, typeOf[type]]))
  const columns = told.columns.split(" ").flatMap((word): ReadonlyArray<VisualizedColumn> => {
    const [, name = "", mark = "", unit] = wordPattern.exec(word) ?? []
    const type = types.get(name) ?? typeOfOthers[name] ?? "text"
    const isTime = type === "timestamptz" && told.noTimes?.includes(name) !== true
    const semantic = isTime ? "time" : marks[mark]
    return [{ name, type, ...(semantic === undefined ? {} : { semantic }), ...(unit === undefined ? {} : { unit }) }]
  })
  const { series, y } = told
  return {
    columns,
    suggestions: y === undefined
      ? [{ kind: "table" }]
      : [{ kind: "timeseries", x: "timestamp", y, ...(series === undefined ? {} : { series }) }]
  }
}
