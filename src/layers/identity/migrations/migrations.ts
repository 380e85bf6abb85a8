/** Tenants, their people, and what those sign in with. */
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"

export const migrations: Migrations = {
  context: "identity",
  table: "serviceradar_identity_migrations",
  steps: SqlFiles.steps(files)
}
