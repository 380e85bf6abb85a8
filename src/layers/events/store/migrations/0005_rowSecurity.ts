/**
 * Rows of one tenant are kept from whoever reads for another, by the database. Not in hypertables, whose compression does
 * not go together with policies, and not in tables that others made.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { tables } from "../../../../domain/events/rows/Tables.ts"
import { tableNames } from "../../../../domain/events/storing/TablePolicy.ts"
import * as RowSecurity from "../../../postgres/connection/RowSecurity.ts"
import * as TableCatalog from "../TableCatalog.ts"
import { ownTable } from "../TraceSummaryStatements.ts"
import { exists } from "./existing.ts"

export const rowSecurity = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const found = yield* TableCatalog.read((text, parameters) => sql.unsafe(text, parameters), schema, tableNames)
    const ours = tableNames.filter((name) => {
      const table = found.get(name)
      return table !== undefined && !table.isHypertable && table.primaryKey.join() === tables[name].key.join()
    })
    yield* RowSecurity.separate(schema, (yield* exists(schema, ownTable)) ? [...ours, ownTable] : ours)
  })
