/**
 * The event store on a fresh database, with its tables in place, and what tests ask of the tables.
 */
import { Effect, Layer } from "effect"
import type { TableName } from "../../src/domain/events/rows/Tables.ts"
import * as PgEventStore from "../../src/layers/events/store/PgEventStore.ts"
import * as PgEventTables from "../../src/layers/events/store/PgEventTables.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import { EventTables } from "../../src/services/events/EventTables.ts"
import * as TestConnection from "./TestConnection.ts"

export const layer = (options: PgEventStore.PgEventStoreOptions = {}) =>
  Layer.effectDiscard(Effect.flatMap(EventTables, (tables) => tables.prepare)).pipe(
    Layer.provideMerge(PgEventTables.layer()),
    Layer.provideMerge(PgEventStore.layer(options)),
    Layer.provideMerge(TestConnection.layer)
  )

export const countOf = Effect.fnUntraced(function*(table: TableName) {
  const sql = yield* (yield* PgConnection).client
  const [row] = yield* sql<{ count: number }>`select count(*)::int as count from ${sql(`platform.${table}`)}`
  return row?.count ?? 0
})
