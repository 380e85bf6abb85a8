/** What all resources have in common; before those of any of them. */
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"

export const migrations: Migrations = {
  context: "records",
  table: "serviceradar_records_migrations",
  steps: SqlFiles.steps(files)
}
