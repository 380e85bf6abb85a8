/** Metrics of all kinds in one table, and two kinds of them under names of their own. */
import { identifier, type Literal, type Sql, sql } from "../../sql/Sql.ts"
import { define, type Entity } from "../../srql/catalog/Entity.ts"

const family = <const N extends string>(
  name: Literal<N>,
  spellings: ReadonlyArray<string>,
  always: { readonly always?: Sql } = {}
): Entity =>
  define({
    name,
    spellings,
    relation: identifier("timeseries_metrics"),
    tenant: identifier("tenant_id"),
    time: "timestamp",
    ...always,
    columns: {
      timestamp: "timestamptz",
      gateway_id: "text",
      agent_id: "text",
      metric_name: "text",
      metric_type: "text",
      device_id: "text",
      value: "float8",
      unit: "text",
      tags: "jsonb",
      partition: "text",
      scale: "float8",
      is_delta: "bool",
      target_device_ip: "text",
      if_index: "int4",
      metadata: "jsonb",
      created_at: "timestamptz",
      series_key: "text"
    },
    // Tells series of one name apart; the original's rows do not have it.
    hidden: ["series_key"],
    filters: {
      text: [
        "gateway_id",
        "agent_id",
        "metric_name",
        "metric_type",
        ["device_id", "uid"],
        "target_device_ip",
        "partition"
      ],
      integers: ["if_index"],
      number: ["value"]
    },
    sorts: ["timestamp", "gateway_id", "metric_name", "metric_type", ["device_id", "uid"], "value"],
    order: [["timestamp", "desc"]],
    key: ["timestamp", "gateway_id", "series_key"],
    groups: [
      ["device_id", "uid"],
      "metric_name",
      "metric_type",
      "agent_id",
      "gateway_id",
      "target_device_ip",
      "if_index"
    ],
    metric: {
      values: ["value"],
      series: [
        "metric_name",
        "metric_type",
        "device_id",
        "gateway_id",
        "agent_id",
        "partition",
        "target_device_ip",
        "if_index"
      ]
    },
    semantics: {
      id: ["device_id", "gateway_id", "agent_id"],
      value: ["value"],
      series: "metric_name",
      y: "value"
    }
  })

export const timeseriesMetrics = family("timeseries_metrics", ["timeseries"])
export const snmpMetrics = family("snmp_metrics", ["snmp"], { always: sql`metric_type = 'snmp'` })
export const rperfMetrics = family("rperf_metrics", ["rperf"], { always: sql`metric_type = 'rperf'` })
