/**
 * Brings a schema to the version that a context wants, forward or back: all steps in one transaction, one program at a
 * time under an advisory lock. A database with steps that nobody here knows, or that is not in UTF-8, is left as it is.
 */
import { Effect, Schema } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as BrokenRollback from "../connection/BrokenRollback.ts"
import * as Rows from "../connection/Rows.ts"
import {
  DatabaseTooNew,
  Irreversible,
  type Migration,
  MigrationFailed,
  type Migrations,
  type MigrationsError,
  versionOf,
  WrongEncoding
} from "./Migrations.ts"

const Applied = Schema.Struct({ id: Schema.Int, name: Schema.String, at: Schema.DateTimeUtcFromDate })

export interface Standing {
  readonly applied: ReadonlyArray<typeof Applied.Type>
  /** Steps by name, in order. */
  readonly pending: ReadonlyArray<string>
  /** Applied, and not known here. */
  readonly unknown: ReadonlyArray<string>
}

const Found = Schema.Struct({ found: Schema.Boolean })

export const stepName = ({ id, name }: typeof Applied.Type): string => `${String(id).padStart(4, "0")}_${name}`

/** As `to_regclass` reads a name: a schema may have any. */
const quoted = (table: string): string => table.split(".").map((part) => `"${part.replaceAll("\"", "\"\"")}"`).join(".")

const read = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, { steps, table }: Migrations) {
  const [there] = yield* Rows.query(Found, sql`select to_regclass(${quoted(table)}) is not null as found`)
  const applied = there?.found === true
    ? yield* Rows.query(
      Applied,
      sql`select migration_id as id, name, created_at as at from ${sql(table)} order by migration_id`
    )
    : []
  const done = new Set(applied.map(({ id }) => id))
  const known = new Set(Object.keys(steps).map(versionOf))
  return {
    applied,
    pending: Object.keys(steps).filter((step) => !done.has(versionOf(step))),
    unknown: applied.filter(({ id }) => !known.has(id)).map(stepName)
  }
})

/** How far the database is, which is not touched. */
export const standing = (migrations: Migrations): Effect.Effect<Standing, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => read(sql, migrations))

const Encoding = Schema.Struct({ encoding: Schema.String })

const inUtf8 = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const [found] = yield* Rows.query(Encoding, sql`select current_setting('server_encoding') as encoding`)
  if (found !== undefined && found.encoding !== "UTF8") return yield* new WrongEncoding(found)
})

const failed = (context: string, step: string) => (cause: unknown) => new MigrationFailed({ context, step, cause })

/** Where the connection breaks in a step, the rollback fails too, and the step's failure is a defect. */
const brokenAsFailure = BrokenRollback.asFailureOf((defect): defect is SqlError | MigrationFailed =>
  isSqlError(defect) || defect instanceof MigrationFailed
)

const within = <A>(
  migrations: Migrations,
  work: (
    sql: SqlClient.SqlClient,
    standing: Standing
  ) => Effect.Effect<A, MigrationsError | SqlError, SqlClient.SqlClient>
): Effect.Effect<A, MigrationsError | SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => {
    const { context, schema, table } = migrations
    return sql.withTransaction(Effect.gen(function*() {
      yield* sql`select pg_advisory_xact_lock(hashtextextended('serviceradar.migrations', 0))`
      if (schema !== undefined) {
        yield* sql`create schema if not exists ${sql(schema)}`
        yield* sql`select set_config('search_path', ${schema} || ', ' || current_setting('search_path'), true)`
      }
      yield* sql`create table if not exists ${sql(table)} (migration_id integer primary key,
        created_at timestamptz not null default now(), name text not null)`
      const found = yield* read(sql, migrations)
      if (found.unknown.length > 0) return yield* new DatabaseTooNew({ context, unknown: found.unknown })
      return yield* work(sql, found)
    })).pipe(brokenAsFailure)
  })

/** Everything that is missing; answers with the names of what was applied. */
export const migrate = (
  migrations: Migrations
): Effect.Effect<ReadonlyArray<string>, MigrationsError | SqlError, SqlClient.SqlClient> =>
  within(migrations, (sql, { pending }) =>
    Effect.andThen(
      inUtf8(sql),
      Effect.forEach(pending, (step) =>
        Effect.gen(function*() {
          const { up } = stepOf(migrations, step)
          yield* Effect.mapError(up, failed(migrations.context, step))
          const name = step.slice(step.indexOf("_") + 1)
          yield* sql`insert into ${sql(migrations.table)} ${sql.insert([{ migration_id: versionOf(step), name }])}`
          return step
        }))
    ))

/** Everything that is newer than `version`, the newest first; 0 is an empty schema. */
export const revert = (
  migrations: Migrations,
  version: number
): Effect.Effect<ReadonlyArray<string>, MigrationsError | SqlError, SqlClient.SqlClient> =>
  within(
    migrations,
    (sql, { applied }) =>
      Effect.forEach(applied.filter(({ id }) => id > version).toReversed(), (row) =>
        Effect.gen(function*() {
          const { context, table } = migrations
          const step = stepName(row)
          const { down } = stepOf(migrations, step)
          if (down === undefined) return yield* new Irreversible({ context, step })
          yield* Effect.mapError(down, failed(context, step))
          yield* sql`delete from ${sql(table)} where migration_id = ${row.id}`
          return step
        }))
  )

const none: Migration = { up: Effect.void }

const stepOf = ({ steps }: Migrations, step: string): Migration =>
  Object.entries(steps).find(([name]) => versionOf(name) === versionOf(step))?.[1] ?? none
