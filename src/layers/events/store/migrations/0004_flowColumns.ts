/**
 * Columns that the newest flow table of the existing system has; whoever knows providers and vendors fills them. A table
 * that others made is left to their migrations.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { OcsfNetworkActivity } from "../../../../domain/events/rows/OcsfNetworkActivity.ts"
import { quote } from "../InsertStatement.ts"
import * as TableCatalog from "../TableCatalog.ts"

export const flowColumns = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const { key, name, unwritten = {} } = OcsfNetworkActivity
    const found = yield* TableCatalog.read((text, parameters) => sql.unsafe(text, parameters), schema, [name])
    if (found.get(name)?.primaryKey.join() !== key.join()) return
    const added = Object.entries(unwritten).map(([column, { type }]) =>
      `add column if not exists ${quote(column)} ${type}`
    )
    yield* sql.unsafe(`alter table ${quote(schema)}.${quote(name)} ${added.join(", ")}`)
  })
