/**
 * Makes existing tables fit for both writers, see `AdoptionPlan`; tables of our own making have nothing to be done.
 *
 * A column is added under a lock that is waited for briefly, again and again, as whoever waits for it makes all others
 * wait too. Indexes of plain tables are made while rows are written. One program at a time does it.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Schedule } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { OtelTraceSummaries } from "../../../domain/events/rows/OtelTraceSummaries.ts"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import * as AdoptionPlan from "../../../domain/events/storing/AdoptionPlan.ts"
import { goTableNames, tableNames } from "../../../domain/events/storing/TablePolicy.ts"
import { DatabaseUnavailable } from "../../postgres/connection/PgConnection.ts"
import * as SqlFailure from "../../postgres/connection/SqlFailure.ts"
import * as AdoptionSteps from "./AdoptionSteps.ts"
import * as TableCatalog from "./TableCatalog.ts"

/** A materialized view of the summaries is refreshed by whoever made it. */
const isForeignView = ({ kind, name }: TableCatalog.CatalogTable): boolean =>
  name === OtelTraceSummaries.name && kind === "materialized view"

const wanted: ReadonlyArray<AdoptionPlan.WantedTable> = [...tableNames.map((name) => tables[name]), OtelTraceSummaries]

/** Which tables are looked at. */
export interface Scope {
  readonly tables: ReadonlyArray<AdoptionPlan.WantedTable>
  /** To these nothing is added. */
  readonly untouched: ReadonlyArray<TableName>
}

const everything: Scope = { tables: wanted, untouched: [] }

/** Of a database of v1.0.76 only what is written; the Go writer's tables stay as they are. */
export const goScope = (written: ReadonlyArray<TableName>): Scope => ({
  tables: written.map((name) => tables[name]),
  untouched: goTableNames
})

export interface Adopted {
  readonly problems: ReadonlyArray<AdoptionPlan.Problem>
  readonly notes: ReadonlyArray<string>
  readonly steps: ReadonlyArray<AdoptionSteps.Step>
}

/** What is to be done now, without doing it. */
const survey = Effect.fnUntraced(function*(query: TableCatalog.Query, schema: string, scope: Scope) {
  const found = yield* TableCatalog.read(query, schema, scope.tables.map(({ name }) => name))
  const plans = scope.tables.flatMap((table) => {
    const existing = found.get(table.name)
    if (existing === undefined || isForeignView(existing)) return []
    const isUntouched = scope.untouched.some((name) => name === table.name)
    const plan = (isUntouched ? AdoptionPlan.untouched : AdoptionPlan.make)(table, existing)
    return [{ plan, steps: isUntouched ? [] : AdoptionSteps.make(schema, existing, plan) }]
  })
  return {
    existing: new Set(found.keys()),
    problems: plans.flatMap(({ plan }) => plan.problems),
    notes: plans.flatMap(({ plan }) => plan.notes),
    steps: plans.flatMap(({ steps }) => steps)
  }
})

/** What keeps rows from being written when nothing may be done about it; `names` are the tables that are written. */
export const shortcomings = Effect.fn("Adoption.shortcomings")(
  function*(sql: PgClient.PgClient, schema: string, names: ReadonlyArray<TableName>, scope: Scope = everything) {
    const { existing, notes, problems, steps } = yield* survey(sql.unsafe, schema, scope)
    const isWritten = ({ table }: { readonly table: string }) => names.some((name) => name === table)
    const missing = names.filter((name) => !existing.has(name))
    return {
      notes,
      steps: [],
      problems: [
        ...missing.map((table) => ({ table, column: "", found: "missing", wanted: "a table" })),
        ...problems.filter(isWritten),
        ...steps.filter((step) => step.isNeeded && isWritten(step)).map(({ column, table, wanted }) => ({
          table,
          column,
          found: "missing",
          wanted
        }))
      ]
    } satisfies Adopted
  }
)

const lockPause = "500 millis"
const lockAttemptsMax = 40

const isRefused = ({ reason }: SqlError): boolean =>
  reason._tag === "AuthorizationError" || reason._tag === "UniqueViolation"

/** A problem when the database does not let us, or the rows are not unique. */
const carryOut = (session: Connection, step: AdoptionSteps.Step) =>
  session.execute(`set lock_timeout = ${step.isLong ? 0 : 500}`, [], undefined).pipe(
    Effect.andThen(session.executeUnprepared(step.text, [], undefined)),
    Effect.retry({
      schedule: Schedule.jittered(Schedule.spaced(lockPause)),
      times: lockAttemptsMax,
      while: ({ reason }) => reason._tag === "LockTimeoutError"
    }),
    Effect.as<ReadonlyArray<AdoptionPlan.Problem>>([]),
    Effect.catchIf(isRefused, (error) =>
      Effect.succeed([{
        table: step.table,
        column: step.column,
        found: `not as wanted, and it cannot be changed: ${SqlFailure.detail(error)}`,
        wanted: step.wanted
      }]))
  )

const busy = new DatabaseUnavailable({ detail: "another program adopts the existing tables" })

/** Not a lock that is waited for: an index that is made on the side waits for whoever waits. */
const lock = (session: Connection, schema: string) =>
  Effect.acquireRelease(
    session.execute("select pg_try_advisory_lock(hashtextextended($1, 1)) as done", [schema], undefined).pipe(
      Effect.flatMap(([row]: ReadonlyArray<{ readonly done: boolean }>): Effect.Effect<void, DatabaseUnavailable> =>
        row?.done === true ? Effect.void : Effect.fail(busy)
      )
    ),
    () => Effect.ignore(session.execute("select pg_advisory_unlock(hashtextextended($1, 1))", [schema], undefined))
  )

/** As long as an index takes. */
const patient = (session: Connection) =>
  Effect.acquireRelease(session.execute("set statement_timeout = 0", [], undefined), () =>
    Effect.ignore(Effect.andThen(
      session.execute("reset statement_timeout", [], undefined),
      session.execute("reset lock_timeout", [], undefined)
    )))

const carryOutAll = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  schema: string,
  isNeeded: boolean,
  scope: Scope
) {
  const session = yield* sql.reserve
  yield* lock(session, schema)
  yield* patient(session)
  // On this session: the pool may have no other.
  const query: TableCatalog.Query = (text, parameters) => session.execute(text, parameters, undefined)
  const { notes, problems, steps } = yield* survey(query, schema, scope)
  const chosen = steps.filter((step) => step.isNeeded === isNeeded)
  const refused = yield* Effect.forEach(chosen, (step) => carryOut(session, step))
  return { notes, steps: chosen, problems: [...problems, ...refused.flat()] } satisfies Adopted
}, Effect.scoped)

/** Makes all tables fit that can be; the others are its problems. */
export const adopt = Effect.fn("Adoption.adopt")(function*(
  sql: PgClient.PgClient,
  schema: string,
  scope: Scope = everything
) {
  const { notes, problems, steps } = yield* survey(sql.unsafe, schema, scope)
  return steps.some(({ isNeeded }) => isNeeded)
    ? yield* carryOutAll(sql, schema, true, scope)
    : { notes, problems, steps: [] } satisfies Adopted
})

/** What writing does not need and may take long on large tables; some other time when another program is at it. */
export const improve = Effect.fn("Adoption.improve")(function*(
  sql: PgClient.PgClient,
  schema: string,
  scope: Scope = everything
) {
  const { steps } = yield* survey(sql.unsafe, schema, scope)
  if (steps.every(({ isNeeded }) => isNeeded)) return []
  return yield* carryOutAll(sql, schema, false, scope).pipe(
    Effect.map((done) => done.steps),
    Effect.catchTag("DatabaseUnavailable", () => Effect.succeed([]))
  )
})
