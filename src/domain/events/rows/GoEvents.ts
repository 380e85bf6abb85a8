/**
 * An event in the table of the first generation, which everything of v1.0.76 reads. The key is the other writer's; rows
 * have no tenant there.
 */
import { optional, required, type RowOf, table } from "./Table.ts"

export const GoEvents = table({
  name: "events",
  time: "event_timestamp",
  key: ["event_timestamp", "id"],
  keyKind: "natural",
  columns: {
    /** For the writer alone: the table has no place for it. */
    tenant_id: required("text"),
    event_timestamp: required("timestamptz"),
    id: required("text"),
    specversion: optional("text"),
    source: optional("text"),
    type: optional("text"),
    datacontenttype: optional("text"),
    subject: optional("text"),
    remote_addr: optional("text"),
    host: optional("text"),
    level: optional("int4"),
    severity: optional("text"),
    short_message: optional("text"),
    version: optional("text"),
    raw_data: optional("text")
  }
})

export type GoEventRow = RowOf<typeof GoEvents>
