/** Alerts and what became of them. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const alerts = define({
  name: "alerts",
  spellings: ["alert"],
  relation: identifier("alerts"),
  tenant: identifier("tenant_id"),
  time: "triggered_at",
  columns: {
    id: "uuid",
    title: "text",
    description: "text",
    severity: "text",
    status: "text",
    source_type: "text",
    source_id: "text",
    service_check_id: "uuid",
    device_uid: "text",
    agent_uid: "text",
    event_id: "uuid",
    event_time: "timestamptz",
    metric_name: "text",
    metric_value: "float8",
    threshold_value: "float8",
    comparison: "text",
    triggered_at: "timestamptz",
    acknowledged_at: "timestamptz",
    acknowledged_by: "text",
    resolved_at: "timestamptz",
    resolved_by: "text",
    resolution_note: "text",
    escalated_at: "timestamptz",
    escalation_level: "int4",
    escalation_reason: "text",
    notification_count: "int4",
    last_notification_at: "timestamptz",
    suppressed_until: "timestamptz",
    metadata: "jsonb",
    tags: "text_array",
    created_at: "timestamptz",
    updated_at: "timestamptz"
  },
  filters: {
    uuid: ["id"],
    text: [
      "title",
      "description",
      "severity",
      "status",
      "source_type",
      "source_id",
      "device_uid",
      "agent_uid",
      "metric_name",
      "comparison",
      "acknowledged_by",
      "resolved_by",
      "escalation_reason"
    ]
  },
  sorts: [["triggered_at", "timestamp"], "severity", "status", "title"],
  order: [["triggered_at", "desc"]],
  key: ["id"],
  groups: ["severity", "status", "source_type", "metric_name"],
  semantics: { id: ["id"], label: ["severity", "status"] }
})
