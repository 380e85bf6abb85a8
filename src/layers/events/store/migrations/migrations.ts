/** The event writer's own migrations, in order; see the rules of core's. */
import { eventTables } from "./0001_eventTables.ts"
import { traceSummaries } from "./0002_traceSummaries.ts"
import { besideOthers } from "./0003_besideOthers.ts"
import { flowColumns } from "./0004_flowColumns.ts"
import { rowSecurity } from "./0005_rowSecurity.ts"
import { queryViews } from "./0006_queryViews.ts"

export const migrations = (schema: string) => ({
  "0001_event_tables": eventTables(schema),
  "0002_trace_summaries": traceSummaries(schema),
  "0003_beside_others": besideOthers(schema),
  "0004_flow_columns": flowColumns(schema),
  "0005_row_security": rowSecurity(schema),
  "0006_query_views": queryViews(schema)
})
