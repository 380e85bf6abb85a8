/**
 * Reads for one query, in a session that can read only and ends it after its seconds. Where it is a tenant's it is a transaction
 * that names the tenant for row-level security, in a role that cannot bypass it. Who stops waiting stops the statement at the
 * server too.
 */
import { Effect, Exit, Schema, Scope, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as os from "node:os"
import type { Plan } from "../../domain/srql/plan/Plan.ts"
import * as RowText from "../../domain/srql/plan/RowText.ts"
import {
  AnswerTooLarge,
  DatabaseAway,
  NoSuchData,
  QueryError,
  type Question,
  StatementRefused,
  TooCostly,
  TookTooLong
} from "../../services/queries/Queries.ts"
import type { DatabaseUnavailable } from "../postgres/connection/PgConnection.ts"
import * as SqlFailure from "../postgres/connection/SqlFailure.ts"
import * as CostlyTurns from "./CostlyTurns.ts"
import * as LowPriority from "./LowPriority.ts"
import * as QueryPace from "./QueryPace.ts"
import * as QueryPlaces from "./QueryPlaces.ts"
import * as QueryPool from "./QueryPool.ts"
import * as QuerySession from "./QuerySession.ts"

export interface ReadingLimits extends QueryPlaces.PlaceLimits {
  /** In units of PostgreSQL's planner, of queries that aggregate; default 5,000,000. */
  readonly costMax?: number
  /** Default 30. */
  readonly timeoutSeconds?: number
  /** JSON of what is read in one piece, and of a page; default 16 MiB. */
  readonly bytesMax?: number
  /** Whether the server is a process of ours on this machine, see `LowPriority`; default false. */
  readonly isOwnServer?: boolean
}

const Row = Schema.Struct({ row: Schema.String, after: Schema.optionalKey(Schema.NullOr(Schema.String)) })
export type Row = typeof Row.Type
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))
const decodeSome = Schema.decodeUnknownEffect(Schema.NonEmptyArray(Row))

export interface Prepared extends QuerySession.Statement {
  readonly plan: Plan
}

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

/** Rows of one entity end with their limit; what aggregates reads all there is. */
const isBounded = ({ shape }: Plan): boolean => shape.kind === "rows"

export const bytesMaxDefault = 16 * 2 ** 20

/** No more than these are taken in one piece. */
export const pieceMax = 1000

/** What is estimated to cost more keeps a core busy for some tenths of a second, or longer. */
const heavyFrom = 20_000
/** One is left to reports. */
const coresForQueries = Math.max(1, os.availableParallelism() - 1)
/** While there are reports all the time: a costly one, and one that is not. */
const atOncePressed = 2

/** Of rows whose time of storing is not the database's own, as of statuses that core stores. */
const marginSeconds = 5

/** Transactions of others may not be ours to see: then they are given a minute. */
const oldestTransaction = `
  select to_char(least(
      min(xact_start), now() - $1::int * interval '1 s',
      case when bool_or(query = '<insufficient privilege>') then now() - interval '1 min' end
    ) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as oldest
  from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`

const decodeOldest = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ oldest: Schema.String })]))

const away = ({ detail }: DatabaseUnavailable) => new QueryError({ reason: new DatabaseAway({ detail }) })

/** Nearly: characters. */
const sizeOf = (rows: ReadonlyArray<Row>): number =>
  rows.reduce((sum, { row }) => sum + (row === RowText.beyond ? Number.POSITIVE_INFINITY : row.length), 0)

const unexpected = ({ message }: Schema.SchemaError) =>
  new QueryError({ reason: new StatementRefused({ detail: `unexpected row: ${message}` }) })

export const make = Effect.fnUntraced(function*(limits: ReadingLimits) {
  const { atOnce = 4, bytesMax = bytesMaxDefault, costMax = 5_000_000, timeoutSeconds = 30 } = limits
  const places = QueryPlaces.make(limits)
  const pace = yield* QueryPace.make
  const heavy = CostlyTurns.make({ ...limits, atOnce: coresForQueries }, pace.isPressed)
  const giveWay = limits.isOwnServer === true ? yield* LowPriority.make : Effect.void
  const pool = yield* QueryPool.make({ maxConnections: atOnce + 1, timeoutSeconds })

  const connected = (toError: (error: SqlError) => QueryError) =>
    Effect.mapError(pool, (error) => error._tag === "SqlError" ? toError(error) : away(error))

  /** In which the question can be asked, when there is a place for it. */
  const session = Effect.fnUntraced(function*(
    { plan }: Prepared,
    { asker = "", tenant }: Question,
    seconds: number,
    isEstimate = false
  ) {
    const toError = failure(plan.entity, seconds)
    const isPressed = yield* pace.isPressed
    yield* places.take(asker, isPressed ? Math.min(atOnce, atOncePressed) : atOnce)
    const { plain, ranged } = yield* connected(toError)
    const client = plan.isRanged ? ranged : plain
    yield* giveWay
    const isAlone = places.taken() === 1 && !isPressed
    return tenant === null && (isEstimate || (seconds === timeoutSeconds && isAlone))
      ? QuerySession.ofSession(client)
      : yield* Effect.mapError(
        QuerySession.transaction(client, { timeoutSeconds: seconds, tenant, isAlone }),
        toError
      )
  })

  const estimated = (prepared: Prepared, question: Question, seconds: number) =>
    session(prepared, question, seconds, true).pipe(
      Effect.flatMap((reader) =>
        Effect.mapError(QuerySession.costOf(reader, prepared), failure(prepared.plan.entity, seconds))
      ),
      Effect.scoped
    )

  /**
   * As `session`, for what costs no more than it may; of what costs much, only so many at once that reports have a core. What is
   * asked when nothing else is, is not estimated first, and counts as costly until it has answered.
   */
  const reading = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const { asker = "", isCostly } = question
    const isLimited = !isBounded(prepared.plan) && isCostly !== true
    const isFirst = places.taken() === 0 && heavy.taken() === 0 && !(yield* pace.isPressed)
    const cost = isLimited || !isFirst ? yield* estimated(prepared, question, seconds) : undefined
    if (isLimited && cost !== undefined && cost > costMax) {
      return yield* new QueryError({ reason: new TooCostly({ cost, costMax }) })
    }
    const computing = yield* Scope.fork(yield* Effect.scope)
    if (cost === undefined || cost >= heavyFrom) yield* Scope.provide(heavy.take(asker), computing)
    const reader = yield* session(prepared, question, seconds)
    return {
      reader,
      toError: failure(prepared.plan.entity, seconds),
      /** To be said when rows come: from now on it is as fast as its reader. */
      computed: Scope.close(computing, Exit.void)
    }
  })

  /** Rows as they come from the server, a few at a time. */
  const open = (prepared: Prepared, question: Question, seconds: number): Stream.Stream<Row, QueryError> =>
    Stream.unwrap(
      Effect.map(
        reading(prepared, question, seconds),
        ({ computed, reader, toError }) =>
          reader.pieces(prepared.statement, prepared.params).pipe(
            Stream.mapError(toError),
            Stream.mapArrayEffect((rows) => Effect.andThen(computed, Effect.mapError(decodeSome(rows), unexpected))),
            Stream.mapArrayEffect((rows) => Effect.as(pace.spend(sizeOf(rows)), rows))
          )
      )
    )

  /** Rows in one piece, by a statement that the server remembers. */
  const read = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const { computed, reader, toError } = yield* reading(prepared, question, seconds)
    const answered = yield* Effect.mapError(reader.all(prepared.statement, prepared.params), toError)
    yield* computed
    const rows = yield* Effect.mapError(decodeRows(answered), unexpected)
    // What is refused is not sent, and delays nobody.
    const size = sizeOf(rows)
    if (size > bytesMax) return yield* new QueryError({ reason: new AnswerTooLarge({ bytesMax }) })
    yield* pace.spend(size)
    return rows
  }, Effect.scoped)

  /** Fails where it would cost too much, too. */
  const examine = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const cost = yield* estimated(prepared, question, seconds)
    if (!isBounded(prepared.plan) && question.isCostly !== true && cost > costMax) {
      return yield* new QueryError({ reason: new TooCostly({ cost, costMax }) })
    }
  })

  /** From when on rows may still appear: transactions that run now began then or later. */
  const oldest = (entity: string): Effect.Effect<string, QueryError> =>
    Effect.flatMap(
      connected(failure(entity, 0)),
      ({ plain }) =>
        plain.unsafe(oldestTransaction, [marginSeconds]).pipe(
          Effect.mapError(failure(entity, 0)),
          Effect.flatMap((rows) => Effect.mapError(decodeOldest(rows), unexpected)),
          Effect.map(([{ oldest }]) => oldest)
        )
    )

  return { read, open, examine, oldest }
})
