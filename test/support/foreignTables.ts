/** A schema with tables as another writer's migrations make them. */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"

const folder = path.resolve(import.meta.dirname, "../fixtures/tables")

/** Runs the statements of a file on a session whose names mean the schema. */
export const make = Effect.fnUntraced(function*(schema: string, file: string) {
  const sql = yield* (yield* PgConnection).client
  const text = yield* Effect.promise(() => fs.readFile(path.join(folder, file), "utf8"))
  const statements = text.split(/;\s*\n/).filter((statement) => statement.trim() !== "")
  yield* sql.unsafe(`create schema if not exists "${schema}"`)
  yield* Effect.scoped(Effect.gen(function*() {
    const session = yield* sql.reserve
    yield* session.execute(`set search_path to "${schema}"`, [], undefined)
    yield* Effect.forEach(statements, (statement) => session.executeUnprepared(statement, [], undefined))
    yield* session.execute("reset search_path", [], undefined)
  }))
})
