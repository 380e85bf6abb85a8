/**
 * The event writer's own migrations, in order, for a schema. They look at what others have made there before, so each is
 * code; those that adopt or loosen have no way back.
 */
import type { Migrations } from "../../../postgres/migrations/Migrations.ts"
import { eventTables } from "./0001_eventTables.ts"
import { traceSummaries } from "./0002_traceSummaries.ts"
import { besideOthers } from "./0003_besideOthers.ts"
import { flowColumns } from "./0004_flowColumns.ts"
import { rowSecurity } from "./0005_rowSecurity.ts"
import { queryViews } from "./0006_queryViews.ts"
import { newestFirst } from "./0008_newestFirst.ts"

export const migrations = (schema: string): Migrations => ({
  context: "event-writer",
  table: `${schema}.event_writer_migrations`,
  steps: {
    "0001_event_tables": { up: eventTables(schema) },
    "0002_trace_summaries": { up: traceSummaries(schema) },
    "0003_beside_others": { up: besideOthers(schema) },
    "0004_flow_columns": { up: flowColumns(schema) },
    "0005_row_security": { up: rowSecurity(schema) },
    "0006_query_views": { up: queryViews(schema) },
    // Policies that the database asks once for each statement.
    "0007_row_security": { up: rowSecurity(schema) },
    "0008_newest_first": { up: newestFirst(schema) }
  }
})
