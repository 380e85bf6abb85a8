/**
 * In which schema rows are stored and in whose form, decided once from what the database has, see `TableForm`.
 *
 * Whoever needs to know asks when there is a database; until then nothing is fetched or decoded.
 */
import { Context, Effect, Layer } from "effect"
import type { TableChoice } from "../../domain/events/storing/TableForm.ts"
import type { StoreUnavailable } from "./EventStore.ts"

export class TableHome extends Context.Service<TableHome, {
  /** Looks at the database until it has been decided, and remembers. */
  readonly choice: Effect.Effect<TableChoice, StoreUnavailable>
  /** What was decided; undefined before. */
  readonly decided: () => TableChoice | undefined
}>()("serviceradar/services/event-writer/TableHome") {
  /** Decided beforehand. */
  static readonly fixed = (choice: TableChoice) =>
    Layer.succeed(TableHome, { choice: Effect.succeed(choice), decided: () => choice })
}
