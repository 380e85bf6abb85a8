/**
 * Reads for one query, in a session that can read only and ends it after its seconds. Where it is a tenant's it is a transaction
 * that names the tenant for row-level security, in a role that cannot bypass it. Who stops waiting stops the statement at the
 * server too.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Clock, Effect, Exit, Option, Schema, Scope, Stream } from "effect"
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

export interface Row {
  readonly row: string
  readonly after?: string | null
}

const isRow = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && "row" in value && typeof value.row === "string" &&
  (!("after" in value) || value.after === null || typeof value.after === "string")

const unexpected = new QueryError({ reason: new StatementRefused({ detail: "a row that is no JSON text" }) })

/** Looked at by hand: they are many, and a schema would copy each. */
const rowsOf = (values: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Row>, QueryError> =>
  values.every(isRow) ? Effect.succeed(values) : Effect.fail(unexpected)

export interface Prepared extends QuerySession.Statement {
  /** Its binds may be those of an earlier time; `params` are those of now. */
  readonly plan: Plan
}

const failure = (entity: string, timeoutSeconds: number) => (error: SqlError): QueryError => {
  const detail = SqlFailure.detail(error)
  return new QueryError({
    reason: SqlFailure.isCanceled(error)
      ? new TookTooLong({ seconds: timeoutSeconds })
      : SqlFailure.isOfSchema(error)
      ? new NoSuchData({ entity, detail })
      : SqlFailure.isBeyondLimit(error)
      ? new StatementRefused({ detail: `${detail}: narrow its time range or its filters` })
      : SqlFailure.isOutage(error) || SqlFailure.isRefusal(error)
      ? new DatabaseAway({ detail })
      : new StatementRefused({ detail })
  })
}

/** Rows of one entity end with their limit; what aggregates reads all there is. */
const isBounded = ({ shape }: Plan): boolean => shape.kind === "rows"

export const bytesMaxDefault = 16 * 2 ** 20

/** No more than these are taken in one piece. */
const pieceMax = 1000

/** What of a stream is taken at once: about so much, after the first rows have shown how large they are. */
const pieceBytes = 256 * 1024
const firstPiece = 20

/** While reports go before them streams let go of their snapshot after so long. */
const snapshotMillisMax = 2_000

/** What a session may put on the disk of a server of ours. */
const spillBytesMax = 2 * 2 ** 30

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

const sizeOf = (rows: ReadonlyArray<Row>): number =>
  rows.reduce((sum, { row }) => sum + (row === RowText.beyond ? Number.POSITIVE_INFINITY : Buffer.byteLength(row)), 0)

export const make = Effect.fnUntraced(function*(limits: ReadingLimits) {
  const { atOnce = 4, bytesMax = bytesMaxDefault, costMax = 5_000_000, timeoutSeconds = 30 } = limits
  const places = QueryPlaces.make(limits)
  const pace = yield* QueryPace.make
  const heavy = CostlyTurns.make({ ...limits, atOnce: coresForQueries }, pace.isPressed)
  const giveWay = limits.isOwnServer === true ? yield* LowPriority.make : Effect.void
  const pool = yield* QueryPool.make({
    maxConnections: atOnce + 1,
    timeoutSeconds,
    spillBytesMax: limits.isOwnServer === true ? spillBytesMax : 0
  })

  const connected = (toError: (error: SqlError) => QueryError) =>
    Effect.mapError(pool, (error) => error._tag === "SqlError" ? toError(error) : away(error))

  /** Where the question can be asked, when there is a place for it. */
  const placed = Effect.fnUntraced(function*({ plan }: Prepared, { asker = "", tenant }: Question, seconds: number) {
    const toError = failure(plan.entity, seconds)
    const isPressed = yield* pace.isPressed
    yield* places.take(asker, isPressed ? Math.min(atOnce, atOncePressed) : atOnce)
    const { plain, ranged } = yield* connected(toError)
    yield* giveWay
    const setting = { timeoutSeconds: seconds, tenant, isAlone: places.taken() === 1 && !isPressed }
    return { client: plan.isRanged ? ranged : plain, setting, toError }
  })

  /** In which statements are run one by one. */
  const session = (client: PgClient.PgClient, setting: QuerySession.Setting, isEstimate = false) =>
    setting.tenant === null && (isEstimate || (setting.timeoutSeconds === timeoutSeconds && setting.isAlone))
      ? Effect.succeed(QuerySession.ofSession(client))
      : QuerySession.transaction(client, setting)

  const estimated = (prepared: Prepared, question: Question, seconds: number) =>
    Effect.gen(function*() {
      const { client, setting, toError } = yield* placed(prepared, question, seconds)
      return yield* session(client, setting, true).pipe(
        Effect.flatMap((reader) => QuerySession.costOf(reader, prepared)),
        Effect.mapError(toError)
      )
    }).pipe(Effect.scoped)

  /**
   * As `placed`, for what costs no more than it may; of what costs much, only so many at once that reports have a core. What is
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
    return {
      ...(yield* placed(prepared, question, seconds)),
      /** To be said when rows come: from now on it is as fast as its reader. */
      computed: Scope.close(computing, Exit.void)
    }
  })

  /**
   * When the first are there, rows as their reader takes them, a few at a time; of one moment, however long that takes. While reports go before them, what is
   * left after a moment is put aside: PostgreSQL cannot clean up what reports replace while somebody may still read it.
   */
  const open = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const { client, computed, setting, toError } = yield* reading(prepared, question, seconds)
    const fromMillis = yield* Clock.currentTimeMillis
    const cursor = yield* Effect.mapError(QuerySession.cursor(client, setting, prepared), toError)
    let isAside = false
    const putAside = Effect.gen(function*() {
      const nowMillis = yield* Clock.currentTimeMillis
      if (nowMillis - fromMillis > seconds * 1000) {
        return yield* new QueryError({ reason: new TookTooLong({ seconds }) })
      }
      if (isAside || nowMillis - fromMillis < snapshotMillisMax || !(yield* pace.isPressed)) return
      isAside = true
      yield* Effect.mapError(heavy.around(cursor.putAside), toError)
    })
    const next = Effect.fnUntraced(function*(count: number) {
      const rows = yield* Effect.flatMap(
        Effect.mapError(cursor.next(count), toError),
        rowsOf
      )
      yield* computed
      const size = sizeOf(rows)
      yield* pace.spend(size)
      const following = Math.max(1, Math.min(pieceMax, Math.floor(pieceBytes * rows.length / Math.max(1, size))))
      return [rows, rows.length < count ? Option.none() : Option.some(following)] as const
    })
    const [first, following] = yield* next(firstPiece)
    const others = Option.match(following, {
      onNone: () => Stream.empty,
      onSome: (count) => Stream.paginate(count, (count) => Effect.andThen(putAside, next(count)))
    })
    return Stream.concat(Stream.fromIterable(first), others)
  })

  /** Rows of a page. */
  const read = Effect.fnUntraced(function*(prepared: Prepared, question: Question, seconds: number) {
    const { client, computed, setting, toError } = yield* reading(prepared, question, seconds)
    const { all, pieces } = yield* Effect.mapError(session(client, setting), toError)
    let size = 0
    const rows: Array<Row> = []
    const take = Effect.fnUntraced(function*(answered: ReadonlyArray<unknown>) {
      const some = yield* rowsOf(answered)
      size += sizeOf(some)
      // What is refused is not sent, and delays nobody.
      if (size > bytesMax) return yield* new QueryError({ reason: new AnswerTooLarge({ bytesMax }) })
      for (const row of some) rows.push(row)
    })
    const { params, plan, statement } = prepared
    // A small one is in one piece, by a statement that the server remembers.
    yield* plan.limit <= pieceMax
      ? Effect.flatMap(Effect.mapError(all(statement, params), toError), take)
      : Stream.runForEachArray(Stream.mapError(pieces(statement, params), toError), take)
    yield* computed
    yield* pace.spend(size)
    return rows
  }, Effect.scoped)

  /** From when on rows may still appear: transactions that run now began then or later. */
  const oldest = (entity: string): Effect.Effect<string, QueryError> =>
    Effect.flatMap(
      connected(failure(entity, 0)),
      ({ plain }) =>
        plain.unsafe(oldestTransaction, [marginSeconds]).pipe(
          Effect.mapError(failure(entity, 0)),
          Effect.flatMap((rows) => Effect.mapError(decodeOldest(rows), () => unexpected)),
          Effect.map(([{ oldest }]) => oldest)
        )
    )

  return { read, open, oldest }
})
