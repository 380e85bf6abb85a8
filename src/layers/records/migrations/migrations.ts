/** What all resources have in common; before those of any of them. */
import { schema } from "../../../domain/records/Schema.ts"
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"

export const migrations: Migrations = {
  context: "records",
  schema,
  table: `${schema}.records_migrations`,
  steps: SqlFiles.steps(files)
}
