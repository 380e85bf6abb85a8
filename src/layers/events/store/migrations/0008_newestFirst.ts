/** Tables of our own making that are there already get what new ones have: an index by time alone, where pages are asked for. */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { tables } from "../../../../domain/events/rows/Tables.ts"
import { tableNames } from "../../../../domain/events/storing/TablePolicy.ts"
import * as TableCatalog from "../TableCatalog.ts"
import * as TableDefinition from "../TableDefinition.ts"

export const newestFirst = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const found = yield* TableCatalog.read((text, parameters) => sql.unsafe(text, parameters), schema, tableNames)
    for (const name of tableNames) {
      const table = found.get(name)
      if (table?.kind !== "partitioned table" || table.primaryKey.join() !== tables[name].key.join()) continue
      yield* Effect.forEach(TableDefinition.newestFirst(schema, name), (statement) => sql.unsafe(statement))
    }
  })
