/**
 * Queries on PostgreSQL: each in a transaction of its own that can read only, ends by itself after `timeoutSeconds`, and
 * names its tenant for row-level security, in a role that cannot bypass it. Who stops waiting stops the statement at the server too.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Clock, Duration, Effect, Layer, Option, Schema, type Scope, Semaphore, Stream } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Visualization from "../../domain/queries/Visualization.ts"
import type { Catalog } from "../../domain/srql/catalog/Catalog.ts"
import * as Cursor from "../../domain/srql/language/Cursor.ts"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import type { Plan } from "../../domain/srql/plan/Plan.ts"
import * as RowText from "../../domain/srql/plan/RowText.ts"
import {
  AnswerTooLarge,
  DatabaseAway,
  NoSuchData,
  type Page,
  Queries,
  QueryError,
  type Question,
  StatementRefused,
  TooCostly,
  TookTooLong,
  TooManyQuestions
} from "../../services/queries/Queries.ts"
import { check } from "../../services/srql/index.ts"
import { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as QueryViews from "../postgres/connection/QueryViews.ts"
import * as RowSecurity from "../postgres/connection/RowSecurity.ts"
import * as SqlFailure from "../postgres/connection/SqlFailure.ts"

export interface QueryLimits {
  /** Default 30. */
  readonly timeoutSeconds?: number
  /** Of a stream, whose reader may be slow; default 600. */
  readonly streamSeconds?: number
  /** More have to wait; default 4, half of core's connections, so that queries hold up no reports. */
  readonly atOnce?: number
  /** How long they wait before they are refused; default 10. */
  readonly patienceSeconds?: number
  /** Rows of one page; default 10,000. Streams have none. */
  readonly rowsMax?: number
  /** JSON of one page; default 16 MiB. */
  readonly bytesMax?: number
  /** In units of PostgreSQL's planner, of queries that aggregate; default 5,000,000. */
  readonly costMax?: number
}

export interface QueriesOptions extends QueryLimits {
  readonly catalog: Catalog
  readonly rules: RowText.RowRules
}

/** Where the event writer makes its tables. */
const eventSchema = "platform"

const Explained = Schema.Struct({ Plan: Schema.Struct({ "Total Cost": Schema.Finite }) })
const decodeExplained = Schema.decodeUnknownOption(Schema.Tuple([
  Schema.Struct({
    "QUERY PLAN": Schema.Union([Schema.fromJsonString(Schema.Array(Explained)), Schema.Array(Explained)])
  })
]))

const Row = Schema.Struct({ row: Schema.String, after: Schema.optionalKey(Schema.NullOr(Schema.String)) })
const decodeRow = Schema.decodeUnknownEffect(Row)

const decodeAfter = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.NullOr(Schema.String))))

interface Prepared {
  readonly plan: Plan
  readonly statement: string
  readonly params: ReadonlyArray<unknown>
}

const prepare = Effect.fnUntraced(function*(
  { catalog, rules }: QueriesOptions,
  question: Question,
  limitMax: number | undefined
): Effect.fn.Return<Prepared, SrqlError> {
  const { style, tenant, text } = question
  const withKeyset = question.withKeyset === true
  const cursor = question.cursor === undefined || question.cursor === ""
    ? Cursor.start
    : yield* Effect.fromResult(Cursor.decode(question.cursor))
  const plan = yield* Effect.fromResult(check(text, catalog, {
    tenant,
    nowMillis: yield* Clock.currentTimeMillis,
    cursor,
    withKeyset,
    ...(question.limit === undefined ? {} : { limit: question.limit }),
    ...(limitMax === undefined ? {} : { limitMax })
  }))
  return { plan, statement: RowText.statement(plan, style, rules), params: plan.binds.map(({ v }) => v) }
})

const failure = (entity: string, timeoutSeconds: number) => (error: SqlError): QueryError => {
  const detail = SqlFailure.detail(error)
  return new QueryError({
    reason: SqlFailure.isCanceled(error)
      ? new TookTooLong({ seconds: timeoutSeconds })
      : SqlFailure.isOfSchema(error)
      ? new NoSuchData({ entity, detail })
      : SqlFailure.isOutage(error) || SqlFailure.isRefusal(error)
      ? new DatabaseAway({ detail })
      : new StatementRefused({ detail })
  })
}

/** A connection within a transaction that ends with the scope and has changed nothing. */
const reading = Effect.fnUntraced(function*(
  client: PgClient.PgClient,
  tenant: string | null,
  timeoutSeconds: number
): Effect.fn.Return<Connection, SqlError, Scope.Scope> {
  const connection = yield* client.reserve
  yield* Effect.acquireRelease(
    connection.executeUnprepared("BEGIN TRANSACTION READ ONLY", [], undefined),
    () => Effect.ignore(connection.executeUnprepared("ROLLBACK", [], undefined))
  )
  yield* connection.execute(
    "SELECT set_config('statement_timeout', $1, true), set_config('timezone', 'UTC', true), " +
      `set_config('${RowSecurity.setting}', $2, true), ${RowSecurity.takeRole("$2")}, ` +
      `set_config('search_path', current_setting('search_path') || ', ${eventSchema}, ${QueryViews.schema}', true)`,
    [`${timeoutSeconds * 1000}`, tenant ?? ""],
    undefined
  )
  return connection
})

/** Rows of one entity end with their limit; what aggregates reads all there is. */
const isBounded = ({ shape }: Plan): boolean => shape.kind === "rows"

const costOf = (connection: Connection, { params, statement }: Prepared): Effect.Effect<number, SqlError> =>
  Effect.map(
    connection.executeUnprepared(`EXPLAIN (FORMAT JSON) ${statement}`, params, undefined),
    (rows) =>
      Option.match(decodeExplained(rows), {
        onNone: () => 0,
        onSome: ([{ "QUERY PLAN": plans }]) => plans[0]?.Plan["Total Cost"] ?? 0
      })
  )

const cursorsOf = (
  { plan }: Prepared,
  rows: ReadonlyArray<typeof Row.Type>
): Pick<Page, "nextCursor" | "prevCursor"> => {
  const isFull = rows.length >= plan.limit
  if (plan.order !== "") {
    const after = Option.flatMap(Option.fromNullOr(rows.at(-1)?.after ?? null), decodeAfter)
    return {
      nextCursor: isFull && Option.isSome(after)
        ? Cursor.encode({ _tag: "Keyset", order: plan.order, after: after.value })
        : null,
      prevCursor: null
    }
  }
  return {
    nextCursor: isFull ? Cursor.encode({ _tag: "Offset", offset: plan.offset + plan.limit }) : null,
    prevCursor: plan.offset > 0
      ? Cursor.encode({ _tag: "Offset", offset: Math.max(0, plan.offset - plan.limit) })
      : null
  }
}

const make = Effect.fnUntraced(function*(options: QueriesOptions) {
  const database = yield* PgConnection
  const { atOnce = 4, bytesMax = 16 * 2 ** 20, costMax = 5_000_000, rowsMax = 10_000, streamSeconds = 600 } = options
  const { patienceSeconds = 10, timeoutSeconds = 30 } = options
  const places = yield* Semaphore.make(atOnce)
  const client = Effect.mapError(
    database.client,
    ({ detail }) => new QueryError({ reason: new DatabaseAway({ detail }) })
  )

  /** Until the scope closes. */
  const place = Effect.acquireRelease(places.take(1), () => places.release(1), { interruptible: true }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(patienceSeconds),
      orElse: () => Effect.fail(new QueryError({ reason: new TooManyQuestions({ atOnce }) }))
    })
  )

  /** In which the question can be asked: it costs no more than it may. */
  const transaction = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const toError = failure(prepared.plan.entity, seconds)
    yield* place
    const connection = yield* Effect.mapError(reading(yield* client, question.tenant, seconds), toError)
    if (!isBounded(prepared.plan) && question.isCostly !== true) {
      const cost = yield* Effect.mapError(costOf(connection, prepared), toError)
      if (cost > costMax) return yield* new QueryError({ reason: new TooCostly({ cost, costMax }) })
    }
    return { connection, toError }
  })

  /** Rows as they come from the server, a few at a time. */
  const open = (prepared: Prepared, question: Question, seconds: number) =>
    Stream.unwrap(
      Effect.map(transaction(prepared, question, seconds), ({ connection, toError }) =>
        connection.executeStream(prepared.statement, prepared.params, undefined).pipe(
          Stream.mapError(toError),
          Stream.mapEffect((row) =>
            Effect.mapError(
              decodeRow(row),
              (error) =>
                new QueryError({ reason: new StatementRefused({ detail: `unexpected row: ${error.message}` }) })
            )
          )
        ))
    )

  return Queries.of({
    page: Effect.fn("Queries.page")(function*(question) {
      const prepared = yield* prepare(options, question, rowsMax)
      const rows: Array<typeof Row.Type> = []
      let bytes = 0
      yield* Stream.runForEach(open(prepared, question, timeoutSeconds), (row) => {
        bytes += Buffer.byteLength(row.row)
        rows.push(row)
        return bytes > bytesMax
          ? Effect.fail(new QueryError({ reason: new AnswerTooLarge({ bytesMax }) }))
          : Effect.void
      })
      return {
        rows: rows.map(({ row }) => row),
        ...cursorsOf(prepared, rows),
        limit: prepared.plan.limit,
        visualization: Visualization.of(prepared.plan, options.catalog),
        warnings: prepared.plan.warnings
      }
    }),
    examine: Effect.fn("Queries.examine")(function*(question) {
      const prepared = yield* prepare(options, question, undefined)
      const { connection, toError } = yield* transaction(prepared, question, timeoutSeconds)
      yield* Effect.mapError(costOf(connection, prepared), toError)
    }, Effect.scoped),
    rows: (question) =>
      Stream.unwrap(
        Effect.map(
          prepare(options, question, undefined),
          (prepared) => Stream.map(open(prepared, question, streamSeconds), ({ row }) => row)
        )
      )
  })
})

export const layer = (options: QueriesOptions): Layer.Layer<Queries, never, PgConnection> =>
  Layer.effect(Queries, make(options))
