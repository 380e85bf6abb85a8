/** Log records. */
import { identifier, sql } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

const service = {
  name: "service_name",
  aliases: ["service"],
  class: "text",
  type: "text",
  sql: identifier("service_name")
} as const

export const logs = define({
  name: "logs",
  spellings: ["logs"],
  relation: identifier("logs"),
  tenant: identifier("tenant_id"),
  time: "timestamp",
  columns: {
    timestamp: "timestamptz",
    observed_timestamp: "timestamptz",
    id: "uuid",
    trace_id: "text",
    span_id: "text",
    trace_flags: "int4",
    severity_text: "text",
    severity_number: "int4",
    body: "text",
    event_name: "text",
    service_name: "text",
    service_version: "text",
    service_instance: "text",
    scope_name: "text",
    scope_version: "text",
    scope_attributes: "text",
    attributes: "text",
    resource_attributes: "text",
    created_at: "timestamptz"
  },
  filters: {
    uuid: ["id"],
    text: [
      "trace_id",
      "span_id",
      ["service_name", "service"],
      ["service_version", "version"],
      ["service_instance", "instance"],
      ["scope_name", "scope"],
      "scope_version",
      ["severity_text", "severity", "level"],
      "body"
    ],
    integers: ["severity_number"]
  },
  sorts: ["timestamp", "severity_number"],
  order: [["timestamp", "desc"], ["severity_number", "desc"]],
  key: ["timestamp", "id"],
  groups: [["severity_text", "severity", "level"], ["service_name", "service"], "scope_name", "severity_number"],
  rollups: {
    severity: {
      relation: identifier("logs_severity_stats_5m"),
      isClosed: false,
      fields: new Map([["service_name", service], ["service", service]]),
      payload: [
        ["total", sql`COALESCE(SUM(total_count), 0)::bigint`],
        ["fatal", sql`COALESCE(SUM(fatal_count), 0)::bigint`],
        ["error", sql`COALESCE(SUM(error_count), 0)::bigint`],
        ["warning", sql`COALESCE(SUM(warning_count), 0)::bigint`],
        ["info", sql`COALESCE(SUM(info_count), 0)::bigint`],
        ["debug", sql`COALESCE(SUM(debug_count), 0)::bigint`]
      ]
    }
  },
  semantics: { id: ["id", "trace_id", "span_id"] }
})
