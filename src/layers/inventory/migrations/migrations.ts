/** Devices and their groups; after those of identity. */
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"

export const migrations: Migrations = {
  context: "inventory",
  table: "serviceradar_inventory_migrations",
  steps: SqlFiles.steps(files)
}
