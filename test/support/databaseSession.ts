/** A test's own look at a database that programs work with, and states that it puts it into. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, type Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"

/** One connection, until the scope closes. */
export const session = (url: Redacted.Redacted, parameters: Readonly<Record<string, string>> = {}) =>
  Effect.provide(PgClient.make({ url, maxConnections: 1, startupParameters: parameters }), Reactivity.layer)

/** Makes the database of the session read-only for everybody else from now on, and writable again. */
export const readOnly = Effect.fnUntraced(function*(admin: PgClient.PgClient) {
  const [database] = yield* admin`select current_database() as name`
  const name = admin(String(database?.["name"]))
  const endOthers = admin`select pg_terminate_backend(pid) from pg_stat_activity
    where pid <> pg_backend_pid() and datname = current_database()`
  return {
    begin: Effect.andThen(admin`alter database ${name} set default_transaction_read_only = on`, endOthers),
    end: Effect.andThen(admin`alter database ${name} reset default_transaction_read_only`, endOthers)
  }
})
