/**
 * Queries on PostgreSQL: what is asked becomes a statement, and its rows a page or a stream of JSON texts.
 */
import { Clock, Effect, Layer, Option, Schema, Stream } from "effect"
import * as Visualization from "../../domain/queries/Visualization.ts"
import type { Catalog } from "../../domain/srql/catalog/Catalog.ts"
import * as Cursor from "../../domain/srql/language/Cursor.ts"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import * as RowText from "../../domain/srql/plan/RowText.ts"
import { AnswerTooLarge, type Page, Queries, QueryError, type Question } from "../../services/queries/Queries.ts"
import { check } from "../../services/srql/index.ts"
import type { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as PgReading from "./PgReading.ts"

export interface QueryLimits extends PgReading.ReadingLimits {
  /** Default 30. */
  readonly timeoutSeconds?: number
  /** Of a stream, whose reader may be slow; default 600. */
  readonly streamSeconds?: number
  /** Rows of one page; default 10,000. Streams have none. */
  readonly rowsMax?: number
  /** JSON of one page; default 16 MiB. */
  readonly bytesMax?: number
}

export interface QueriesOptions extends QueryLimits {
  readonly catalog: Catalog
  readonly rules: RowText.RowRules
}

const decodeAfter = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.NullOr(Schema.String))))

const prepare = Effect.fnUntraced(function*(
  { catalog, rules }: QueriesOptions,
  question: Question,
  limitMax: number | undefined
): Effect.fn.Return<PgReading.Prepared, SrqlError> {
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
  const { bytesMax = 16 * 2 ** 20, rowsMax = 10_000, streamSeconds = 600, timeoutSeconds = 30 } = options
  const { examine, open } = yield* PgReading.make(options)

  return Queries.of({
    page: Effect.fn("Queries.page")(function*(question) {
      const prepared = yield* prepare(options, question, rowsMax)
      const rows: Array<PgReading.Row> = []
      let bytes = 0
      yield* Stream.runForEachArray(open(prepared, question, timeoutSeconds), (some) => {
        for (const row of some) {
          bytes += Buffer.byteLength(row.row)
          rows.push(row)
        }
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
      yield* examine(yield* prepare(options, question, undefined), question, timeoutSeconds)
    }),
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
