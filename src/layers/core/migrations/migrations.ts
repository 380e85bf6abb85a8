/**
 * Core's migrations in order. The key is `<number>_<name>`; a number is never used again, a migration never edited once
 * released.
 */
import type { Migrations } from "../../postgres/connection/PgConnection.ts"
import { initialStatus } from "./0001_initialStatus.ts"
import { missedPollers } from "./0002_missedPollers.ts"
import { untoldTurns } from "./0003_untoldTurns.ts"
import { queryViews } from "./0004_queryViews.ts"

export const migrations: Migrations = {
  table: "serviceradar_migrations",
  steps: {
    "0001_initial_status": initialStatus,
    "0002_missed_pollers": missedPollers,
    "0003_untold_turns": untoldTurns,
    "0004_query_views": queryViews
  }
}
