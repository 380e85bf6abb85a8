/** Devices and their groups; after those of identity. */
import { schema } from "../../../domain/records/Schema.ts"
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"

export const migrations: Migrations = {
  context: "inventory",
  schema,
  table: `${schema}.inventory_migrations`,
  steps: SqlFiles.steps(files)
}
