/**
 * Tables of our own making as another program's later migrations and inserts expect them: it knows neither our columns nor
 * our demands, and makes a view of the name that our summaries had.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { tables } from "../../../../domain/events/rows/Tables.ts"
import { tableNames } from "../../../../domain/events/storing/TablePolicy.ts"
import { quote } from "../InsertStatement.ts"
import * as TableCatalog from "../TableCatalog.ts"
import * as TableDefinition from "../TableDefinition.ts"
import { ownTable, theirTable } from "../TraceSummaryStatements.ts"

/** Each by itself: a compressed hypertable may refuse some, which then stay as they are. */
const tolerant = (text: string): string =>
  `do $body$ begin execute '${text.replaceAll("'", "''")}'; exception when others then
    raise notice 'not changed: %', sqlerrm; end $body$`

export const besideOthers = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const found = yield* TableCatalog.read((text, parameters) => sql.unsafe(text, parameters), schema, [
      ...tableNames,
      theirTable
    ])
    const isOurs = (name: string, key: ReadonlyArray<string>) => found.get(name)?.primaryKey.join() === key.join()
    for (const name of tableNames) {
      if (!isOurs(name, tables[name].key)) continue
      for (const change of TableDefinition.loosened(schema, name)) yield* sql.unsafe(tolerant(change))
    }
    if (isOurs(theirTable, ["tenant_id", "trace_id"])) {
      yield* sql.unsafe(`alter table ${quote(schema)}.${theirTable} rename to ${ownTable}`)
    }
  })
