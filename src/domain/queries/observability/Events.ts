/** CloudEvents of the original's table. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const events = define({
  name: "events",
  spellings: ["activity"],
  relation: identifier("events"),
  tenant: identifier("tenant_id"),
  time: "event_timestamp",
  columns: {
    event_timestamp: "timestamptz",
    specversion: "text",
    id: "text",
    source: "text",
    type: "text",
    datacontenttype: "text",
    subject: "text",
    remote_addr: "text",
    host: "text",
    level: "int4",
    severity: "text",
    short_message: "text",
    version: "text",
    raw_data: "text",
    created_at: "timestamptz"
  },
  filters: {
    text: [
      "id",
      "type",
      "source",
      "subject",
      "datacontenttype",
      "remote_addr",
      "host",
      "specversion",
      "severity",
      "short_message",
      "version"
    ],
    integer: ["level"]
  },
  sorts: [["event_timestamp", "timestamp"]],
  order: [["event_timestamp", "desc"]],
  key: ["event_timestamp", "id"],
  groups: ["severity", "source", "type", "host", "level"],
  semantics: { id: ["id"] }
})
