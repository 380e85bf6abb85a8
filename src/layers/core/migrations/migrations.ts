/**
 * All migrations in order. The key is `<number>_<name>`; a number is never used again, a migration never edited once
 * released.
 */
import { initialStatus } from "./0001_initialStatus.ts"

export const migrations = {
  "0001_initial_status": initialStatus
}
