import { Effect, Schema } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Rows from "../../../postgres/connection/Rows.ts"
import { quote } from "../InsertStatement.ts"

const Found = Schema.Struct({ found: Schema.Boolean })

/** Whether the schema has a table, view or index of that name. */
export const exists = Effect.fnUntraced(function*(schema: string, name: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* Rows.query(
    Found,
    sql`select to_regclass(${`${quote(schema)}.${quote(name)}`}) is not null as found`
  )
  return row?.found === true
})
