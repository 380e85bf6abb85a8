/**
 * `POST /api/query`, as the web application and the standalone SRQL service of the existing system have it, and the same as
 * `GET /api/query?query=…` for a browser.
 *
 *   {"query", "limit"?, "cursor"?}   →   {"results": […], "pagination": {"next_cursor", "prev_cursor", "limit"}, "viz", "error"}
 *
 * `style=service` in the address gives rows as the standalone service writes them. `format=ndjson` and `format=csv` send all
 * rows that the query's limit allows, as they come and in constant memory; a connection that breaks off says that there
 * were more. `"live": true` (or `live=true`) answers with server-sent events: the rows of the answer, each a message, then every
 * row that is stored from now on; an event `late` tells a slow reader how far behind it is.
 *
 * Whoever shows an API token (`srk_…`) is answered as its user, with the rows of that user's tenant; everybody else who may ask
 * is an operator, and sees those of all. Status 400 says what is wrong with the query, 401 that a token is not valid, 503 that the
 * database is away or busy, 504 that the query took too long.
 */
import { Effect, Option, Schema, Stream } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as RowCells from "../../domain/queries/RowCells.ts"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import type { RowStyle } from "../../domain/srql/plan/RowText.ts"
import { type LiveEvent, type Page, Queries, type QueryError, type Question } from "../../services/queries/Queries.ts"
import type { QueryAsker, QueryAskers } from "../../services/queries/QueryAskers.ts"
import * as Askers from "../../services/records/Askers.ts"
import type { Route } from "../http/Management.ts"
import * as QueryAsking from "./QueryAsking.ts"
import * as QueryBody from "./QueryBody.ts"

const statusOf: Record<QueryError["reason"]["_tag"], number> = {
  DatabaseAway: 503,
  TooManyQuestions: 503,
  TookTooLong: 504,
  TooCostly: 400,
  AnswerTooLarge: 400,
  NoSuchData: 400,
  StatementRefused: 400
}

const refusal = (error: SrqlError | QueryError) => {
  if (error._tag === "SrqlError") return QueryBody.refused(error)
  const status = statusOf[error.reason._tag]
  return status === 503 ? QueryAsking.later(error.message) : QueryBody.problem(status, error.message)
}

/** The rows are JSON already. The standalone service says neither how rows are drawn nor that there is no error. */
const document = (style: RowStyle, { limit, nextCursor, prevCursor, rows, visualization, warnings }: Page): string => {
  const pagination = JSON.stringify({ next_cursor: nextCursor, prev_cursor: prevCursor, limit })
  const said = warnings.length === 0 ? "" : `,"warnings":${JSON.stringify(warnings)}`
  const more = style === "service" ? "" : `,"viz":${JSON.stringify(visualization)},"error":null`
  return `{"results":[${rows.join(",")}],"pagination":${pagination}${more}${said}}`
}

type Format = "json" | "ndjson" | "csv"

const oneOf = <A extends string>(given: string | null, known: readonly [A, ...ReadonlyArray<A>]): A | undefined =>
  given === null ? known[0] : known.find((one) => one === given)

const contentTypes = { ndjson: "application/x-ndjson", csv: "text/csv; charset=utf-8" } as const

const streamed = (question: Question, format: Exclude<Format, "json">) =>
  Effect.gen(function*() {
    const queries = yield* Queries
    const shape = format === "csv" ? yield* queries.shape(question) : undefined
    if (shape?.kind === "mixed") {
      return QueryBody.problem(400, "rows of several entities have no common columns: ask for ndjson")
    }
    const rows = yield* queries.rows(question)
    const line = format === "csv"
      ? RowCells.csvOf(shape?.kind === "count" ? shape.alias : undefined)
      : (row: string) => `${row}\n`
    const lines = Stream.mapArray(rows, (some) => [some.map(line).join("")])
    return HttpServerResponse.stream(Stream.encodeText(lines), { contentType: contentTypes[format] })
  }).pipe(Effect.catch((error) => Effect.succeed(refusal(error))))

const sse = (event: LiveEvent): string =>
  event._tag === "Row"
    ? `data: ${event.row.replaceAll(/[\r\n]+/g, " ")}\n\n`
    : `event: late\ndata: {"seconds":${event.seconds}}\n\n`

/** Proxies end a connection on which nothing is said. */
const heartbeat = Stream.as(Stream.drop(Stream.tick("15 seconds"), 1), ": still here\n\n")

const followed = (question: Question) =>
  Queries.use(({ live }) =>
    Effect.match(live(question), {
      onFailure: refusal,
      onSuccess: (events) =>
        HttpServerResponse.stream(
          Stream.merge(Stream.map(events, sse), heartbeat, { haltStrategy: "either" }).pipe(Stream.encodeText),
          { contentType: "text/event-stream", headers: { "cache-control": "no-store" } }
        )
    })
  )

const answer = Effect.fn("QueryRoute")(function*(
  { isLive, ...asked }: QueryBody.Asked,
  query: URLSearchParams,
  { actor, isOperator, name, tenant }: QueryAsker
) {
  const style = oneOf<RowStyle>(query.get("style"), ["web", "service"])
  if (style === undefined) return QueryBody.problem(400, `style is ${query.get("style")}, expected web or service`)
  const format = oneOf<Format>(query.get("format"), ["json", "ndjson", "csv"])
  if (format === undefined) {
    return QueryBody.problem(400, `format is ${query.get("format")}, expected json, ndjson or csv`)
  }
  const isCostly = query.get("costly") === "true"
  if (isCostly && !isOperator) return QueryBody.problem(403, "costly=true is for operators of this machine")
  const cursors = oneOf(query.get("cursors"), ["offset", "keyset"])
  if (cursors === undefined) {
    return QueryBody.problem(400, `cursors is ${query.get("cursors")}, expected offset or keyset`)
  }
  if (isLive && format !== "json") return QueryBody.problem(400, "live rows are server-sent events: ask without format")
  const withKeyset = cursors === "keyset"
  const question = { ...asked, style, asker: name, actor, tenant, isCostly, withKeyset }
  if (isLive) return yield* followed(question)
  if (format !== "json") return yield* streamed(question, format)
  const queries = yield* Queries
  return yield* Effect.match(queries.page(question), {
    onFailure: refusal,
    onSuccess: (page) => HttpServerResponse.text(document(style, page), { contentType: "application/json" })
  })
})

const ask = (asked: QueryBody.Asked, query: URLSearchParams) =>
  QueryAsking.answered((asker) => answer(asked, query, asker))

export const queryRoute: Route<Queries | QueryAskers> = {
  path: "/api/query",
  summary: "Answers a question in SRQL",
  parameters: new Map([
    ["query", "SRQL; with POST in the body, {\"query\", \"limit\", \"cursor\"}"],
    ["limit", "How many rows; wins over the query's own"],
    ["cursor", "next_cursor or prev_cursor of an earlier answer"],
    ["style", "How rows are written: web (the default) or service"],
    ["format", "json (the default, a page), ndjson or csv: all rows that the limit allows, as they come"],
    ["live", "true: server-sent events; the rows of the answer, then every row that is stored from now on"],
    ["cursors", "keyset: next_cursor stays true while rows are written; or offset (the default)"],
    ["costly", "true: also what is estimated to cost more than the limit; for operators of this machine"]
  ]),
  judges: Askers.isShown,
  isPersonal: true,
  answers: Schema.Struct({
    results: Schema.Array(Schema.Unknown),
    pagination: QueryBody.Pagination
  }),
  handle: (query) =>
    Option.match(QueryBody.ofAddress(query), {
      onNone: () => Effect.succeed(QueryBody.missing),
      onSome: (asked) => ask(asked, query)
    }),
  post: (query, body) =>
    Option.match(QueryBody.ofText(body), {
      onNone: () => Effect.succeed(QueryBody.missing),
      onSome: (asked) => ask(asked, query)
    })
}
