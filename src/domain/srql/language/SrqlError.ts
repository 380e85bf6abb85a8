/**
 * Why a query is refused: where in its text, what was found there, what was expected, and what was probably meant.
 *
 * `detail` is the original engine's text where its users match on it; HTTP peers see `invalid request: <detail>`.
 */
import { Option, Result, Schema } from "effect"
import { nearest } from "../../config/Suggestion.ts"

/** A piece of the query's text: UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

export class SrqlError extends Schema.TaggedError<SrqlError>()("SrqlError", {
  /** The original engine's words. */
  detail: Schema.String,
  /** Offsets into the query, in UTF-16 units; `end` is exclusive. */
  start: Schema.Int,
  end: Schema.Int,
  found: Schema.String,
  expected: Schema.String,
  /** The nearest known word. */
  suggestion: Schema.Option(Schema.String)
}) {
  /** As `POST /api/query` of the original answers it. */
  get peerText(): string {
    return `invalid request: ${this.detail}`
  }

  override get message(): string {
    const meant = Option.match(this.suggestion, { onNone: () => "", onSome: (word) => `; did you mean ${word}?` })
    return `${this.detail} (at ${this.start + 1}: found ${this.found}, expected ${this.expected}${meant})`
  }
}

/** An answer, or where and why there is none. */
export type Answer<A> = Result.Result<A, SrqlError>

const foundMax = 60

/** Long or binary text is cut: an error has to fit a line. */
const shown = (text: string): string =>
  text === "" ? "nothing" : JSON.stringify(text.length > foundMax ? `${text.slice(0, foundMax)}…` : text)

const detailMax = 300

const cut = (text: string): string => text.length > detailMax ? `${text.slice(0, detailMax)}…` : text

export interface Refusal {
  readonly at: Span
  readonly detail: string
  readonly found: string
  readonly expected: string
  /** What is known here; the word nearest to `found` is suggested. */
  readonly known?: Iterable<string>
}

export const refuse = ({ at, detail, expected, found, known }: Refusal): Result.Result<never, SrqlError> =>
  Result.fail(
    new SrqlError({
      detail: cut(detail),
      start: at.start,
      end: at.end,
      found: shown(found),
      expected,
      suggestion: known === undefined ? Option.none() : nearest(found, known)
    })
  )
