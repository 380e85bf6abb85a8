/**
 * Finds the tables in PostgreSQL: in the schema that was asked for, or in those that a connection finds by itself, in the
 * usual one and in `public`.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Layer, Schema, Semaphore } from "effect"
import * as TableForm from "../../../domain/events/storing/TableForm.ts"
import { StoreUnavailable } from "../../../services/events/EventStore.ts"
import { TableHome } from "../../../services/events/TableHome.ts"
import { PgConnection } from "../../postgres/connection/PgConnection.ts"
import * as Rows from "../../postgres/connection/Rows.ts"
import * as SqlFailure from "../../postgres/connection/SqlFailure.ts"
import * as TableCatalog from "./TableCatalog.ts"

export interface PgTableHomeOptions {
  readonly schema: string | undefined
  readonly tables: TableForm.TablesSetting
}

/**
 * By these tables an installation is recognised, and by this column each is one of a writer's; others have names that
 * anybody might use.
 */
const marks: Readonly<Record<string, string>> = {
  logs: "severity_text",
  otel_traces: "start_time_unix_nano",
  otel_metrics: "duration_seconds",
  events: "event_timestamp",
  ocsf_events: "class_uid"
}

/** Another writer's rows have no tenant; where it was adopted the column may be null. */
const isOurs = ({ columns }: TableCatalog.CatalogTable): boolean =>
  columns.some(({ isNullable, name }) => name === "tenant_id" && !isNullable)

const look = Effect.fnUntraced(function*(sql: PgClient.PgClient, schema: string) {
  const all = yield* TableCatalog.read(sql.unsafe, schema, Object.keys(marks))
  const tables = [...all.values()].filter(({ columns, name }) => columns.some((column) => column.name === marks[name]))
  return {
    schema,
    tables: new Map(tables.map(({ columns, name }) => [name, new Set(columns.map((column) => column.name))])),
    ours: new Set(tables.filter(isOurs).map(({ name }) => name))
  } satisfies TableForm.FoundSchema
})

const SearchPath = Schema.Struct({ schemas: Schema.Array(Schema.String) })

const schemasOf = Effect.fnUntraced(function*(sql: PgClient.PgClient, asked: string | undefined) {
  if (asked !== undefined) return [asked]
  const [path] = yield* Rows.query(SearchPath, sql`select to_jsonb(current_schemas(false)) as schemas`)
  const named = (path?.schemas ?? []).filter((name) => name !== "public")
  return [...new Set([...named, TableForm.schemaDefault, "public"])]
})

const decide = Effect.fnUntraced(function*(sql: PgClient.PgClient, options: PgTableHomeOptions) {
  const schemas = yield* schemasOf(sql, options.schema)
  const found = (yield* Effect.forEach(schemas, (schema) => look(sql, schema))).filter(({ tables }) => tables.size > 0)
  return TableForm.choose(found, options)
})

const describe = ({ form, reason, schema }: TableForm.TableChoice): string =>
  `Rows go to schema ${schema} in ${
    form === "current" ? "the current form" : "the form of the Go writer of v1.0.76 (EVENT_WRITER_TABLES=current: not)"
  }: ${reason}`

export const layer = (options: PgTableHomeOptions): Layer.Layer<TableHome, never, PgConnection> =>
  Layer.effect(
    TableHome,
    Effect.gen(function*() {
      const connection = yield* PgConnection
      const turn = yield* Semaphore.make(1)
      let decided: TableForm.TableChoice | undefined
      const ask = Effect.gen(function*() {
        if (decided !== undefined) return decided
        const sql = yield* connection.client
        const choice = yield* decide(sql, options)
        if ("problem" in choice) return yield* new StoreUnavailable({ code: "", detail: choice.problem })
        decided = choice
        yield* Effect.logInfo(describe(choice))
        return choice
      }).pipe(
        Effect.mapError((error) =>
          error._tag === "StoreUnavailable"
            ? error
            : new StoreUnavailable({ code: "", detail: SqlFailure.detail(error) })
        )
      )
      return TableHome.of({ choice: turn.withPermit(ask), decided: () => decided })
    })
  )
