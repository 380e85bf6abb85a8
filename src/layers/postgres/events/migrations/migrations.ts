/** The event writer's own migrations, in order; see the rules of core's. */
import { eventTables } from "./0001_eventTables.ts"

export const migrations = (schema: string) => ({
  "0001_event_tables": eventTables(schema)
})
