/** Agents as they last said hello. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const agents = define({
  name: "agents",
  spellings: ["agent", "ocsf_agents"],
  relation: identifier("ocsf_agents"),
  tenant: identifier("tenant_id"),
  time: "last_seen_time",
  columns: {
    uid: "text",
    name: "text",
    type_id: "int4",
    type: "text",
    version: "text",
    vendor_name: "text",
    uid_alt: "text",
    policies: "jsonb",
    gateway_id: "text",
    capabilities: "text_array",
    ip: "text",
    first_seen_time: "timestamptz",
    last_seen_time: "timestamptz",
    created_time: "timestamptz",
    modified_time: "timestamptz",
    metadata: "jsonb",
    config_source: "text"
  },
  filters: {
    text: ["uid", "name", "gateway_id", "version", "vendor_name", "ip", "config_source"],
    integer: ["type_id"],
    overlap: ["capabilities"]
  },
  sorts: [
    ["last_seen_time", "last_seen"],
    ["first_seen_time", "first_seen"],
    "created_time",
    "modified_time",
    "uid",
    "name",
    "type_id",
    "gateway_id"
  ],
  order: [["last_seen_time", "desc"]],
  key: ["uid"],
  groups: ["gateway_id", "version", "type", "vendor_name"],
  semantics: { id: ["uid", "gateway_id"], label: ["name"] }
})
