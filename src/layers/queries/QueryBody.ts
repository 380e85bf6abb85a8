/** What requests with a question hold, in the body or in the address. */
import { Option, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Question } from "../../services/queries/Queries.ts"

const Limit = Schema.Union([Schema.Int, Schema.FiniteFromString.check(Schema.isInt())])

const Body = Schema.fromJsonString(Schema.Struct({
  query: Schema.String,
  limit: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  cursor: Schema.optionalKey(Schema.NullOr(Schema.String)),
  live: Schema.optionalKey(Schema.NullOr(Schema.Boolean))
}))
const decodeBody = Schema.decodeUnknownOption(Body)
/** A limit that is none is ignored, as in the original. */
const decodeLimit = Schema.decodeUnknownOption(Limit)

export interface Asked extends Pick<Question, "text" | "limit" | "cursor"> {
  /** Rows are followed as they are stored. */
  readonly isLive: boolean
}

export const Pagination = Schema.Struct({
  next_cursor: Schema.NullOr(Schema.String),
  prev_cursor: Schema.NullOr(Schema.String),
  limit: Schema.Int
})

const asked = (text: string, limit: unknown, cursor: string | null | undefined, isLive: boolean): Asked => ({
  text,
  isLive,
  limit: Option.getOrUndefined(decodeLimit(limit)),
  cursor: cursor ?? undefined
})

export const ofText = (body: string): Option.Option<Asked> =>
  Option.map(decodeBody(body), ({ cursor, limit, live, query }) => asked(query, limit, cursor, live === true))

export const ofAddress = (query: URLSearchParams): Option.Option<Asked> =>
  Option.map(
    Option.fromNullOr(query.get("query")),
    (text) => asked(text, query.get("limit"), query.get("cursor"), query.get("live") === "true")
  )

export const problem = (status: number, error: string) => HttpServerResponse.jsonUnsafe({ error }, { status })

export const missing = problem(400, "missing required field: query")
