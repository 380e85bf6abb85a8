/**
 * `POST /api/query`, as the web application and the standalone SRQL service of the existing system have it, and the same as
 * `GET /api/query?query=…` for a browser.
 *
 *   {"query", "limit"?, "cursor"?}   →   {"results": […], "pagination": {"next_cursor", "prev_cursor", "limit"}, "viz", "error"}
 *
 * `style=service` in the address gives rows as the standalone service writes them. Status 400 says what is wrong with the
 * query, 503 that the database is away, 504 that the query took too long.
 */
import { Effect, Option, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import { type Page, Queries, type QueryError, type Question } from "../../services/queries/Queries.ts"
import type { Route } from "../http/Management.ts"

const Limit = Schema.Union([Schema.Int, Schema.FiniteFromString.check(Schema.isInt())])

const Body = Schema.fromJsonString(Schema.Struct({
  query: Schema.String,
  limit: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  cursor: Schema.optionalKey(Schema.NullOr(Schema.String))
}))
const decodeBody = Schema.decodeUnknownOption(Body)
/** A limit that is none is ignored, as in the original. */
const decodeLimit = Schema.decodeUnknownOption(Limit)

type Asked = Pick<Question, "text" | "limit" | "cursor">

const statusOf: Record<QueryError["reason"]["_tag"], number> = {
  DatabaseAway: 503,
  TookTooLong: 504,
  TooCostly: 400,
  AnswerTooLarge: 400,
  NoSuchData: 400,
  StatementRefused: 400
}

const problem = (status: number, error: string) => HttpServerResponse.jsonUnsafe({ error }, { status })

const refusal = (error: SrqlError | QueryError) =>
  error._tag === "SrqlError" ? problem(400, error.peerText) : problem(statusOf[error.reason._tag], error.message)

/** The rows are JSON already. */
const document = ({ limit, nextCursor, prevCursor, rows, visualization, warnings }: Page): string => {
  const pagination = JSON.stringify({ next_cursor: nextCursor, prev_cursor: prevCursor, limit })
  const said = warnings.length === 0 ? "" : `,"warnings":${JSON.stringify(warnings)}`
  return `{"results":[${rows.join(",")}],"pagination":${pagination},"viz":${
    JSON.stringify(visualization)
  },"error":null${said}}`
}

const ask = Effect.fn("QueryRoute")(function*(asked: Asked, query: URLSearchParams) {
  const style = query.get("style") ?? "web"
  if (style !== "web" && style !== "service") return problem(400, `style is ${style}, expected web or service`)
  const queries = yield* Queries
  return yield* queries.page({ ...asked, style, tenant: null, withKeyset: query.get("cursors") === "keyset" }).pipe(
    Effect.match({
      onFailure: refusal,
      onSuccess: (page) => HttpServerResponse.text(document(page), { contentType: "application/json" })
    })
  )
})

const askedOf = (text: string, limit: unknown, cursor: string | null | undefined): Asked => ({
  text,
  limit: Option.getOrUndefined(decodeLimit(limit)),
  cursor: cursor ?? undefined
})

export const queryRoute: Route<Queries> = {
  path: "/api/query",
  summary: "Answers a question in SRQL",
  parameters: new Map([
    ["query", "SRQL; with POST in the body, {\"query\", \"limit\", \"cursor\"}"],
    ["limit", "How many rows; wins over the query's own"],
    ["cursor", "next_cursor or prev_cursor of an earlier answer"],
    ["style", "How rows are written: web (the default) or service"],
    ["cursors", "keyset: next_cursor stays true while rows are written"]
  ]),
  answers: Schema.Struct({
    results: Schema.Array(Schema.Unknown),
    pagination: Schema.Struct({
      next_cursor: Schema.NullOr(Schema.String),
      prev_cursor: Schema.NullOr(Schema.String),
      limit: Schema.Int
    })
  }),
  handle: (query) => {
    const text = query.get("query")
    return text === null
      ? Effect.succeed(problem(400, "missing required field: query"))
      : ask(askedOf(text, query.get("limit"), query.get("cursor")), query)
  },
  post: (query, body) =>
    Option.match(decodeBody(body), {
      onNone: () => Effect.succeed(problem(400, "missing required field: query")),
      onSome: (asked) => ask(askedOf(asked.query, asked.limit, asked.cursor), query)
    })
}
