/**
 * `POST /api/query`, as the web application and the standalone SRQL service of the existing system have it, and the same as
 * `GET /api/query?query=…` for a browser.
 *
 *   {"query", "limit"?, "cursor"?}   →   {"results": […], "pagination": {"next_cursor", "prev_cursor", "limit"}, "viz", "error"}
 *
 * `style=service` in the address gives rows as the standalone service writes them. `format=ndjson` and `format=csv` send all
 * rows that the query's limit allows, as they come and in constant memory; a connection that breaks off says that there
 * were more. `"live": true` (or `live=true`) answers with server-sent events: the rows of the answer, each a message, then every
 * row that is stored from now on; an event `late` tells a slow reader how far behind it is. Status 400 says what is wrong with the query, 503 that the database is away or busy, 504 that the query took
 * too long.
 */
import { Effect, Option, Schema, Stream } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as RowCells from "../../domain/queries/RowCells.ts"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import type { RowStyle } from "../../domain/srql/plan/RowText.ts"
import { type LiveEvent, type Page, Queries, type QueryError, type Question } from "../../services/queries/Queries.ts"
import type { Route } from "../http/Management.ts"
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

/** When those who were refused for want of a place had better come again. */
const retryAfterSeconds = "5"

const refusal = (error: SrqlError | QueryError) => {
  if (error._tag === "SrqlError") return QueryBody.problem(400, error.peerText)
  const answer = QueryBody.problem(statusOf[error.reason._tag], error.message)
  return answer.status === 503 ? HttpServerResponse.setHeader(answer, "retry-after", retryAfterSeconds) : answer
}

/** The rows are JSON already. */
const document = ({ limit, nextCursor, prevCursor, rows, visualization, warnings }: Page): string => {
  const pagination = JSON.stringify({ next_cursor: nextCursor, prev_cursor: prevCursor, limit })
  const said = warnings.length === 0 ? "" : `,"warnings":${JSON.stringify(warnings)}`
  return `{"results":[${rows.join(",")}],"pagination":${pagination},"viz":${
    JSON.stringify(visualization)
  },"error":null${said}}`
}

type Format = "json" | "ndjson" | "csv"

const oneOf = <A extends string>(given: string | null, known: readonly [A, ...ReadonlyArray<A>]): A | undefined =>
  given === null ? known[0] : known.find((one) => one === given)

const contentTypes = { ndjson: "application/x-ndjson", csv: "text/csv; charset=utf-8" } as const

const streamed = (question: Question, format: Exclude<Format, "json">) =>
  Queries.use(({ examine, rows }) =>
    Effect.match(examine(question), {
      onFailure: refusal,
      onSuccess: ({ kind }) => {
        if (format === "csv" && kind === "mixed") {
          return QueryBody.problem(400, "rows of several entities have no common columns: ask for ndjson")
        }
        const line = format === "csv" ? RowCells.csvOf() : (row: string) => `${row}\n`
        const lines = rows(question).pipe(Stream.mapArray((some) => [some.map(line).join("")]), Stream.encodeText)
        return HttpServerResponse.stream(lines, { contentType: contentTypes[format] })
      }
    })
  )

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

const ask = Effect.fn("QueryRoute")(function*({ isLive, ...asked }: QueryBody.Asked, query: URLSearchParams) {
  const style = oneOf<RowStyle>(query.get("style"), ["web", "service"])
  if (style === undefined) return QueryBody.problem(400, `style is ${query.get("style")}, expected web or service`)
  const format = oneOf<Format>(query.get("format"), ["json", "ndjson", "csv"])
  if (format === undefined) {
    return QueryBody.problem(400, `format is ${query.get("format")}, expected json, ndjson or csv`)
  }
  const request = yield* Effect.serviceOption(HttpServerRequest.HttpServerRequest)
  const asker = Option.getOrElse(Option.flatMap(request, ({ remoteAddress }) => remoteAddress), () => "")
  const question = { ...asked, style, asker, tenant: null, withKeyset: query.get("cursors") === "keyset" }
  if (isLive) return yield* followed(question)
  if (format !== "json") return yield* streamed(question, format)
  const queries = yield* Queries
  return yield* Effect.match(queries.page(question), {
    onFailure: refusal,
    onSuccess: (page) => HttpServerResponse.text(document(page), { contentType: "application/json" })
  })
})

export const queryRoute: Route<Queries> = {
  path: "/api/query",
  summary: "Answers a question in SRQL",
  parameters: new Map([
    ["query", "SRQL; with POST in the body, {\"query\", \"limit\", \"cursor\"}"],
    ["limit", "How many rows; wins over the query's own"],
    ["cursor", "next_cursor or prev_cursor of an earlier answer"],
    ["style", "How rows are written: web (the default) or service"],
    ["format", "json (the default, a page), ndjson or csv: all rows that the limit allows, as they come"],
    ["live", "true: server-sent events; the rows of the answer, then every row that is stored from now on"],
    ["cursors", "keyset: next_cursor stays true while rows are written"]
  ]),
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
