/**
 * The event store in PostgreSQL: one `insert … select from unnest(…) on conflict do nothing` per write.
 *
 * A statement has a time limit of its own, shorter than the connection's; one that exceeds it is cancelled on the server,
 * where it may have been committed a moment before: writing again then finds its rows there. The limit begins when there
 * is a connection for it: waiting for one says nothing about the size of the statement.
 *
 * What a statement looks like follows from the table as it is, read at its first write and again when a write shows that
 * it has changed.
 */
import { Duration, Effect, Layer, Option, Schedule } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import * as AdoptionPlan from "../../../domain/events/storing/AdoptionPlan.ts"
import type { EventRow } from "../../../domain/events/storing/Suspects.ts"
import { goTableNames } from "../../../domain/events/storing/TablePolicy.ts"
import {
  EventStore,
  EventStoreError,
  StoreTimeout,
  StoreUnavailable,
  type Written
} from "../../../services/events/EventStore.ts"
import { PgConnection } from "../../postgres/connection/PgConnection.ts"
import * as InsertStatement from "./InsertStatement.ts"
import * as StoreFailure from "./StoreFailure.ts"
import * as TableCatalog from "./TableCatalog.ts"
import * as TablePlace from "./TablePlace.ts"

export interface PgEventStoreOptions {
  /** Where the tables are and in whose form; by default the current one in `platform`. */
  readonly place?: TablePlace.TablePlace
  /** In place of `place`, of the current form. */
  readonly schema?: string
  /** For one statement. Default 15 s; a server that does not even react to the cancellation costs 5 s more. */
  readonly statementLimit?: Duration.Duration
  /** For a connection of the pool to be free. Default 30 s. */
  readonly connectionLimit?: Duration.Duration
}

/** What the client answers to a statement without rows. */
const rowCountOf = (result: unknown): number =>
  typeof result === "object" && result !== null && "rowCount" in result && typeof result.rowCount === "number"
    ? result.rowCount
    : 0

interface Statements {
  readonly plain: InsertStatement.InsertStatement
  readonly search: InsertStatement.SearchStatement | undefined
  readonly checking: InsertStatement.CheckingStatement | undefined
  /** Names of the table's checks when the statements were made. */
  readonly checks: ReadonlyArray<string>
}

interface Absent {
  readonly position: number
}

interface Checked {
  readonly inserted: number
  readonly aside: ReadonlyArray<number>
}

const checkedOf = (row: Checked | undefined, owners: ReadonlyArray<number>): Written => {
  const { aside, inserted } = row ?? { aside: [], inserted: 0 }
  const absent = new Set(aside)
  const tried = owners.filter((owner) => !absent.has(owner)).length
  return { inserted, repeated: tried - inserted, setAside: aside }
}

const notNullViolation = "23502"

const checkViolation = "23514"

/** The table may have been adopted or altered since its statements were made. */
const mayHaveChanged = (reason: EventStoreError["reason"], known: Statements | undefined): boolean => {
  if (reason._tag === "StoreTimeout" || known === undefined) return false
  if (reason._tag !== "RowRejected") return true
  const isNew = reason.code === checkViolation && !known.checks.includes(Option.getOrElse(reason.constraint, () => ""))
  return isNew || reason.code === notNullViolation
}

export const layer = (options: PgEventStoreOptions = {}): Layer.Layer<EventStore, never, PgConnection> => {
  const {
    connectionLimit = Duration.seconds(30),
    place = TablePlace.inSchema(options.schema),
    statementLimit = Duration.seconds(15)
  } = options
  const noConnection = (table: TableName) =>
    new EventStoreError({
      operation: table,
      reason: new StoreUnavailable({
        code: "",
        detail: `no connection of the pool was free for ${Duration.format(connectionLimit)}`
      })
    })
  const tooSlow = (table: TableName, rows: number) =>
    new EventStoreError({
      operation: table,
      reason: new StoreTimeout({ rows, detail: `longer than ${Duration.format(statementLimit)}` })
    })

  return Layer.effect(
    EventStore,
    Effect.map(PgConnection, (connection) => {
      const reserve = (table: TableName) =>
        Effect.flatMap(connection.client, (sql) => sql.reserve).pipe(
          Effect.mapError((error) => StoreFailure.ofWrite(error, table, [])),
          Effect.timeoutOrElse({ duration: connectionLimit, orElse: () => Effect.fail(noConnection(table)) })
        )
      const statements = new Map<TableName, Statements>()
      /** A table of another writer's making has columns and rules of its own. */
      const statementsFor = Effect.fnUntraced(function*(session: Connection, table: TableName) {
        const known = statements.get(table)
        if (known !== undefined) return known
        const query: TableCatalog.Query = (text, parameters) => session.execute(text, parameters, undefined)
        const { form, schema } = yield* place
        const found = (yield* TableCatalog.read(query, schema, [table])).get(table)
        const isUntouched = form !== "current" && goTableNames.includes(table)
        const make = isUntouched ? AdoptionPlan.untouched : AdoptionPlan.make
        const plan = found === undefined ? undefined : make(tables[table], found)
        // Where it does not fit the database shall say so.
        const targets = plan === undefined || plan.problems.length > 0 ? undefined : plan.targets
        const checks = found?.checks ?? []
        const made: Statements = {
          plain: InsertStatement.make(schema, table, targets),
          search: InsertStatement.makeSearch(schema, table, found?.uniqueKeys ?? [], targets),
          checking: InsertStatement.makeChecking(schema, table, checks, targets),
          checks: checks.map(({ name }) => name)
        }
        statements.set(table, made)
        return made
      })
      const repeating = new Set<TableName>()
      /** Rows come again in long runs, when a stream is read anew; the last statement tells what the next one will find. */
      const note = (table: TableName, written: Written): Written => {
        if (written.repeated > written.inserted) repeating.add(table)
        else if (written.inserted > 0) repeating.delete(table)
        return written
      }
      const execute = (
        session: Connection,
        { checking, plain, search }: Statements,
        rows: ReadonlyArray<EventRow>,
        owners: ReadonlyArray<number> | undefined,
        isRepeating: boolean
      ) => {
        if (checking !== undefined && owners !== undefined) {
          return Effect.map(
            session.execute(checking.text, checking.parameters(rows, owners), undefined),
            ([row]: ReadonlyArray<Checked>) => checkedOf(row, owners)
          )
        }
        const written = (absent: ReadonlyArray<EventRow>): Effect.Effect<Written, SqlError> => {
          const inserted = absent.length === 0
            ? Effect.succeed(0)
            : Effect.map(session.executeRaw(plain.text, plain.parameters(absent)), rowCountOf)
          return Effect.map(inserted, (count) => ({ inserted: count, repeated: rows.length - count }))
        }
        if (search === undefined || !isRepeating) return written(rows)
        return session.executeUnprepared(search.text, search.parameters(rows), undefined).pipe(
          Effect.map((found: ReadonlyArray<Absent>) => found.flatMap(({ position }) => rows[position] ?? [])),
          Effect.flatMap(written)
        )
      }
      const insert = (
        session: Connection,
        table: TableName,
        rows: ReadonlyArray<EventRow>,
        owners: ReadonlyArray<number> | undefined
      ) =>
        Effect.flatMap(
          statementsFor(session, table),
          (statements) => execute(session, statements, rows, owners, repeating.has(table))
        ).pipe(
          Effect.map((written) => note(table, written)),
          Effect.retry({
            schedule: Schedule.jittered(Schedule.spaced("20 millis")),
            times: 3,
            while: StoreFailure.isChance
          }),
          Effect.mapError((error) => StoreFailure.ofWrite(error, table, rows)),
          Effect.tapError(({ reason }) => {
            if (mayHaveChanged(reason, statements.get(table))) statements.delete(table)
            return Effect.void
          }),
          Effect.timeoutOrElse({ duration: statementLimit, orElse: () => Effect.fail(tooSlow(table, rows.length)) })
        )
      const write = Effect.fn("EventStore.write")((
        table: TableName,
        rows: ReadonlyArray<EventRow>,
        owners?: ReadonlyArray<number>
      ) => Effect.scoped(Effect.flatMap(reserve(table), (session) => insert(session, table, rows, owners))))
      return EventStore.of({ write })
    })
  )
}
