/** Tenants, their people, and what those sign in with. */
import { schema } from "../../../domain/records/Schema.ts"
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"

export const migrations: Migrations = {
  context: "identity",
  schema,
  table: `${schema}.identity_migrations`,
  steps: SqlFiles.steps(files)
}
