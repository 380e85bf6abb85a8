/** Devices, their groups and what they are known by; after those of identity. */
import { schema } from "../../../domain/records/Schema.ts"
import type { Migrations } from "../../postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"
import { files } from "./files.ts"
import { dropQueryViews, queryViews } from "./QueryViewsOfInventory.ts"

export const migrations: Migrations = {
  context: "inventory",
  schema,
  table: `${schema}.inventory_migrations`,
  steps: {
    ...SqlFiles.steps(files),
    "0003_query_views": { up: queryViews, down: dropQueryViews }
  }
}

/** By table: they count what a tenant may have only so many of, and keep groups out of circles. */
export const triggers = {
  devices: ["devices_added", "devices_removed"],
  users: ["users_added", "users_removed"],
  device_groups: ["device_groups_no_circle"]
}
