/** Where the tables are and in whose form, for the layers that write them: known beforehand, or found in the database. */
import { Effect } from "effect"
import type { TableChoice, TableForm } from "../../../domain/events/storing/TableForm.ts"
import { schemaDefault } from "../../../domain/events/storing/TableForm.ts"
import type { StoreUnavailable } from "../../../services/events/EventStore.ts"

export type TablePlace = Effect.Effect<TableChoice, StoreUnavailable>

export const inSchema = (schema = schemaDefault, form: TableForm = "current"): TablePlace =>
  Effect.succeed({ schema, form, isForeign: false, reason: "known beforehand" })
