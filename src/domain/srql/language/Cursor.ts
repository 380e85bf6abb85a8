/**
 * Where the next page begins.
 *
 * The original's cursor is an offset, which rows written meanwhile shift; the keyset cursor holds the last row's sort
 * values and stays. Both are JSON in base64 for URLs, without padding, and both are read by the same function.
 */
import { Option, Result, Schema } from "effect"
import * as Base64Url from "effect/encoding/Base64Url"
import { type Answer, refuse } from "./SrqlError.ts"

export interface OffsetCursor {
  readonly _tag: "Offset"
  readonly offset: number
}

export interface KeysetCursor {
  readonly _tag: "Keyset"
  /** The order that the values belong to, as `Plan.order` writes it. */
  readonly order: string
  /** The last row's sort values as PostgreSQL prints them. */
  readonly after: ReadonlyArray<string | null>
}

export type Cursor = OffsetCursor | KeysetCursor

const Keyset = Schema.fromJsonString(
  Schema.Struct({ order: Schema.String, after: Schema.Array(Schema.NullOr(Schema.String)) })
)
const Offset = Schema.fromJsonString(Schema.Struct({ offset: Schema.Int }))

const decodeKeyset = Schema.decodeUnknownOption(Keyset)
const decodeOffset = Schema.decodeUnknownOption(Offset)

export const start: OffsetCursor = { _tag: "Offset", offset: 0 }

export const encode = (cursor: Cursor): string =>
  cursor._tag === "Offset"
    // Of each page that is full; its few letters need no encoder.
    ? btoa(`{"offset":${cursor.offset}}`).replaceAll("=", "")
    : Base64Url.encode(JSON.stringify({ order: cursor.order, after: cursor.after }))

export const decode = (text: string): Answer<Cursor> => {
  const bad = (detail: string) =>
    refuse({
      at: { start: 0, end: text.length },
      detail,
      found: text,
      expected: "a next_cursor or prev_cursor of an earlier answer"
    })
  const json = Base64Url.decodeString(text)
  if (Result.isFailure(json)) return bad("invalid cursor")
  const keyset = decodeKeyset(json.success)
  if (Option.isSome(keyset)) return Result.succeed({ _tag: "Keyset", ...keyset.value })
  const offset = decodeOffset(json.success)
  return Option.isSome(offset) && Number.isSafeInteger(offset.value.offset)
    ? Result.succeed({ _tag: "Offset", offset: Math.max(0, offset.value.offset) })
    : bad("invalid cursor payload")
}

/** Of the page at `offset` with `rows` rows: null where there is none. */
export const around = (
  page: { readonly offset: number; readonly limit: number; readonly rows: number }
): { readonly next: string | null; readonly previous: string | null } => ({
  next: page.rows >= page.limit ? encode({ _tag: "Offset", offset: page.offset + page.limit }) : null,
  previous: page.offset > 0 ? encode({ _tag: "Offset", offset: Math.max(page.offset - page.limit, 0) }) : null
})
