/** Gateways, which older versions call pollers. */
import { identifier } from "../../sql/Sql.ts"
import { define } from "../../srql/catalog/Entity.ts"

export const gateways = define({
  name: "gateways",
  spellings: ["gateway"],
  relation: identifier("gateways"),
  tenant: identifier("tenant_id"),
  time: "last_seen",
  columns: {
    gateway_id: "text",
    component_id: "text",
    registration_source: "text",
    status: "text",
    spiffe_identity: "text",
    first_registered: "timestamptz",
    first_seen: "timestamptz",
    last_seen: "timestamptz",
    metadata: "jsonb",
    created_by: "text",
    is_healthy: "bool",
    agent_count: "int4",
    checker_count: "int4",
    updated_at: "timestamptz",
    partition_id: "uuid"
  },
  filters: {
    text: ["gateway_id", "status", "component_id", "registration_source", "spiffe_identity", "created_by"],
    bool: ["is_healthy"]
  },
  sorts: [
    "last_seen",
    "first_seen",
    "first_registered",
    "gateway_id",
    "status",
    "agent_count",
    "checker_count",
    "updated_at"
  ],
  order: [["last_seen", "desc"]],
  key: ["gateway_id"],
  groups: ["status", "registration_source"],
  semantics: { id: ["gateway_id"] }
})
