/** What requests with a question hold, in the body or in the address. */
import { Option, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import type { Question } from "../../services/queries/Queries.ts"

const Limit = Schema.Union([Schema.Int, Schema.FiniteFromString.check(Schema.isInt())])

const Body = Schema.fromJsonString(Schema.Struct({
  query: Schema.String,
  limit: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  cursor: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
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
  Option.map(decodeBody(body), ({ cursor, limit, live, query }) =>
    // What is no text is no cursor, and is refused as such.
    asked(query, limit, cursor === undefined || cursor === null ? null : String(cursor), live === true))

export const ofAddress = (query: URLSearchParams): Option.Option<Asked> =>
  Option.map(
    Option.fromNullOr(query.get("query")),
    (text) => asked(text, query.get("limit"), query.get("cursor"), query.get("live") === "true")
  )

export const problem = (status: number, error: string) => HttpServerResponse.jsonUnsafe({ error }, { status })

/** In the original's words, and beside them where it stands, what was found there and what was expected. */
export const refused = ({ end, expected, found, peerText, start, suggestion }: SrqlError) =>
  HttpServerResponse.jsonUnsafe({
    error: peerText,
    at: { start, end },
    found,
    expected,
    ...Option.match(suggestion, { onNone: () => ({}), onSome: (suggestion) => ({ suggestion }) })
  }, { status: 400 })

export const missing = problem(400, "missing required field: query")
