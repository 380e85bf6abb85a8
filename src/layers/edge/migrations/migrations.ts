/** Packages for new pollers, agents and checkers; after those of identity. */
import { schema } from "../../../domain/records/Schema.ts"
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"

export const migrations: Migrations = {
  context: "edge",
  schema,
  table: `${schema}.edge_migrations`,
  steps: SqlFiles.steps(files)
}
