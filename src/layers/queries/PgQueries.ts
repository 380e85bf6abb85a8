/**
 * Queries on PostgreSQL: what is asked becomes a statement, and its rows a page or a stream of JSON texts.
 */
import { Clock, Duration, Effect, Exit, Layer, Option, Schema, Scope, Stream } from "effect"
import * as Visualization from "../../domain/queries/Visualization.ts"
import type { Catalog } from "../../domain/srql/catalog/Catalog.ts"
import * as Cursor from "../../domain/srql/language/Cursor.ts"
import type { Query } from "../../domain/srql/language/Query.ts"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import * as Again from "../../domain/srql/plan/Again.ts"
import * as RowText from "../../domain/srql/plan/RowText.ts"
import { type Page, Queries, QueryError, type Question, TooManyQuestions } from "../../services/queries/Queries.ts"
import { parse, plan as planOf } from "../../services/srql/index.ts"
import type { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as PgLive from "./PgLive.ts"
import * as PgReading from "./PgReading.ts"

export interface QueryLimits extends PgReading.ReadingLimits {
  /** Of a stream, whose reader may be slow; default 600. */
  readonly streamSeconds?: number
  /** Live queries; default 20. */
  readonly liveMax?: number
  /** Rows of one page; default 10,000. Streams have none. */
  readonly rowsMax?: number
}

export interface QueriesOptions extends QueryLimits {
  readonly catalog: Catalog
  readonly rules: RowText.RowRules
}

const beginWithin = Duration.seconds(10)

const decodeAfter = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.NullOr(Schema.String))))

interface Bounds {
  readonly bytesMax?: number
  readonly rowsMax?: number
}

interface Planned {
  readonly query: Query
  readonly prepared: PgReading.Prepared
}

const prepare = Effect.fnUntraced(function*(
  { catalog, rules }: QueriesOptions,
  question: Question,
  { bytesMax, rowsMax: limitMax }: Bounds,
  since?: string
): Effect.fn.Return<Planned, SrqlError> {
  const { style, tenant, text } = question
  const withKeyset = question.withKeyset === true
  const cursor = question.cursor === undefined || question.cursor === ""
    ? Cursor.start
    : yield* Effect.fromResult(Cursor.decode(question.cursor))
  const query = yield* Effect.fromResult(parse(text, catalog))
  const plan = yield* Effect.fromResult(planOf(query, catalog, {
    tenant,
    actor: question.actor,
    nowMillis: yield* Clock.currentTimeMillis,
    cursor,
    withKeyset,
    isSettled: true,
    ...(question.limit === undefined ? {} : { limit: question.limit }),
    ...(limitMax === undefined ? {} : { limitMax }),
    ...(since === undefined ? {} : { since })
  }))
  const statement = RowText.statement(plan, style, rules, bytesMax)
  return { query, prepared: { plan, statement, params: plan.binds.map(({ v }) => v) } }
})

const rememberedMax = 200
/** Longer ones are rare, and would be kept in memory. */
const rememberedCharactersMax = 1000

/** Policies of others may depend on the time, and an asker is asked for too seldom. */
const isRemembered = ({ actor, text }: Question): boolean =>
  text.length <= rememberedCharactersMax && (actor === undefined || actor["isSuperUser"] === true)

/** At the time that it is asked again. */
const again = ({ prepared, query }: Planned, { tenant }: Question): Effect.Effect<PgReading.Prepared, SrqlError> =>
  query.time === null
    ? Effect.succeed(prepared)
    : Effect.flatMap(Clock.currentTimeMillis, (nowMillis) =>
      Effect.map(
        Effect.fromResult(Again.valuesAt(query, prepared.plan, { tenant, nowMillis })),
        (params) => ({ ...prepared, params })
      ))

/** As `prepare`; what is asked again and again, and means the same to everybody, is planned once. */
const preparing = (options: QueriesOptions, bounds: Bounds) => {
  const remembered = new Map<string, Planned>()
  return (question: Question, since?: string): Effect.Effect<PgReading.Prepared, SrqlError> => {
    const { actor, cursor, limit, style, tenant, text, withKeyset } = question
    if (since !== undefined || !isRemembered(question)) {
      return Effect.map(prepare(options, question, bounds, since), ({ prepared }) => prepared)
    }
    const key = JSON.stringify([text, style, tenant, limit, cursor, withKeyset, actor])
    const known = remembered.get(key)
    if (known !== undefined) return again(known, question)
    return Effect.map(prepare(options, question, bounds), (planned) => {
      if (Again.isPossible(planned.prepared.plan)) {
        const [oldest] = remembered.keys()
        if (oldest !== undefined && remembered.size >= rememberedMax) remembered.delete(oldest)
        remembered.set(key, planned)
      }
      return planned.prepared
    })
  }
}

const cursorsOf = (
  { plan }: PgReading.Prepared,
  rows: ReadonlyArray<PgReading.Row>
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
  const { bytesMax = PgReading.bytesMaxDefault, rowsMax = 10_000, streamSeconds = 600, timeoutSeconds = 30 } = options
  const { liveMax = 20 } = options
  const { oldest, open, read } = yield* PgReading.make(options)
  const preparePage = preparing(options, { bytesMax, rowsMax })
  const prepareStream = preparing(options, {})
  const life = yield* Effect.scope
  let reading = 0
  /** A place among those who read on; until the scope closes. */
  const readers = Effect.acquireRelease(
    Effect.suspend(() =>
      reading < liveMax
        ? Effect.sync(() => reading += 1)
        : Effect.fail(new QueryError({ reason: new TooManyQuestions({ atOnce: liveMax }) }))
    ),
    () => Effect.sync(() => reading -= 1)
  )

  /** Nothing stays open of a stream that nobody begins to read. */
  const begun = <A, E>(open: Effect.Effect<Stream.Stream<A, E>, E, Scope.Scope>) =>
    Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
      const scope = yield* Scope.fork(life)
      const close = Scope.close(scope, Exit.void)
      const stream = yield* Effect.onError(restore(Scope.provide(open, scope)), () => close)
      let isRead = false
      const left = Effect.suspend(() => isRead ? Effect.void : close)
      yield* Effect.forkIn(Effect.andThen(Effect.sleep(beginWithin), left), life)
      const read = Effect.sync(() => {
        isRead = true
        return stream
      })
      return Stream.ensuring(Stream.unwrap(read), close)
    }))

  const page = Effect.fnUntraced(function*(question: Question, since?: string) {
    const prepared = yield* preparePage(question, since)
    const rows = yield* read(prepared, question, timeoutSeconds)
    return { prepared, rows, ...cursorsOf(prepared, rows) }
  })

  const live = Effect.fn("Queries.live")(function*(question: Question) {
    const windows: PgLive.Windows = {
      page: (since, cursor, limit) =>
        Effect.map(
          page({ ...question, cursor, limit, withKeyset: true }, since),
          ({ nextCursor, rows }) => ({ rows, next: nextCursor })
        ),
      oldest: oldest("rows")
    }
    const since = yield* windows.oldest
    // Refused before anything is answered, where there is nothing to follow.
    yield* windows.page(since, undefined, 1)
    const { rows } = yield* page(question)
    const answered = rows.map(({ row }) => row)
    const first = Stream.map(Stream.fromIterable(answered), (row) => ({ _tag: "Row", row }) as const)
    return yield* begun(Effect.as(readers, Stream.concat(first, PgLive.follow(windows, since, answered))))
  })

  return Queries.of({
    page: Effect.fn("Queries.page")(function*(question) {
      const { nextCursor, prepared: { plan }, prevCursor, rows } = yield* page(question)
      return {
        rows: rows.map(({ row }) => row),
        nextCursor,
        prevCursor,
        limit: plan.limit,
        visualization: Visualization.of(plan, options.catalog),
        warnings: plan.warnings
      }
    }),
    live,
    shape: Effect.fn("Queries.shape")(function*(question) {
      return (yield* prepareStream(question)).plan.shape
    }),
    rows: Effect.fn("Queries.rows")(function*(question) {
      const prepared = yield* prepareStream(question)
      const rows = yield* begun(open(prepared, question, streamSeconds))
      return Stream.map(rows, ({ row }) => row)
    })
  })
})

export const layer = (options: QueriesOptions): Layer.Layer<Queries, never, PgConnection> =>
  Layer.effect(Queries, make(options))
