/** Core's own migrations: what pollers report. */
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"
import { dropQueryViews, queryViews } from "./QueryViewsOfCore.ts"

export const migrations: Migrations = {
  context: "core",
  table: "serviceradar_migrations",
  steps: {
    ...SqlFiles.steps(files),
    "0004_query_views": { up: queryViews, down: dropQueryViews }
  }
}
