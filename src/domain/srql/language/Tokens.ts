/**
 * The words of a query, with their places.
 *
 * Words end at whitespace outside quotes and brackets. Quotes (`"`, `'`, a backtick) stay in the word until a value is
 * read; a backslash is an escape only inside quotes. What was escaped is remembered: it is never a quote, an operator or
 * a wildcard, which is how a value can hold any text.
 */
import type { Span } from "./SrqlError.ts"

/** Text without its escapes. */
export interface Text {
  readonly chars: string
  /** Where each character of `chars` stands in the query. */
  readonly places: ReadonlyArray<number>
  /** Indexes into `chars` that a backslash made literal. */
  readonly literal: ReadonlySet<number>
  /** Indexes of the quotes that open or close. */
  readonly quotes: ReadonlySet<number>
  readonly span: Span
}

const isSpace = (char: string): boolean => /\s/.test(char)
const isQuote = (char: string): boolean => char === "\"" || char === "'" || char === "`"

const none: ReadonlySet<number> = new Set()

/** A word's text between two of its characters. */
export const slice = (text: Text, from: number, to: number): Text => {
  const shift = (set: ReadonlySet<number>): ReadonlySet<number> =>
    set.size === 0 ? none : new Set([...set].filter((at) => at >= from && at < to).map((at) => at - from))
  return {
    chars: text.chars.slice(from, to),
    places: text.places.slice(from, to),
    literal: shift(text.literal),
    quotes: shift(text.quotes),
    span: {
      start: text.places[from] ?? text.span.end,
      end: to >= text.chars.length ? text.span.end : text.places[to] ?? text.span.end
    }
  }
}

export const trim = (text: Text): Text => {
  let from = 0
  let to = text.chars.length
  while (from < to && isSpace(text.chars[from] ?? "")) from++
  while (to > from && isSpace(text.chars[to - 1] ?? "")) to--
  return from === 0 && to === text.chars.length ? text : slice(text, from, to)
}

/** Pieces of a word between separators outside of quotes and brackets. */
export const splitAt = (text: Text, isSeparator: (char: string) => boolean): ReadonlyArray<Text> => {
  const pieces: Array<Text> = []
  let depth = 0
  let quote = ""
  let from = 0
  for (let at = 0; at < text.chars.length; at++) {
    const char = text.chars[at] ?? ""
    if (text.literal.has(at)) continue
    if (quote !== "") quote = text.quotes.has(at) ? "" : quote
    else if (text.quotes.has(at)) quote = char
    else if (char === "(" || char === "[") depth++
    else if (char === ")" || char === "]") depth = Math.max(0, depth - 1)
    else if (depth === 0 && isSeparator(char)) {
      pieces.push(slice(text, from, at))
      from = at + 1
    }
  }
  pieces.push(slice(text, from, text.chars.length))
  return pieces
}

/** The words of a query. Unclosed quotes and brackets run to the end. */
export const tokenize = (query: string): ReadonlyArray<Text> => {
  const words: Array<Text> = []
  let chars = ""
  let places: Array<number> = []
  let literal = new Set<number>()
  let quotes = new Set<number>()
  let quote = ""
  let depth = 0
  const push = (char: string, place: number): void => {
    chars += char
    places.push(place)
  }
  const finish = (end: number): void => {
    if (chars !== "") words.push({ chars, places, literal, quotes, span: { start: places[0] ?? end, end } })
    chars = ""
    places = []
    literal = new Set()
    quotes = new Set()
  }
  for (let at = 0; at < query.length; at++) {
    const char = query[at] ?? ""
    if (quote !== "") {
      if (char === "\\" && at + 1 < query.length) {
        literal.add(chars.length)
        push(query[at + 1] ?? "", at)
        at++
        continue
      }
      if (char === quote) {
        quotes.add(chars.length)
        quote = ""
      }
      push(char, at)
    } else if (isQuote(char)) {
      quotes.add(chars.length)
      quote = char
      push(char, at)
    } else if (isSpace(char) && depth === 0) finish(at)
    else {
      if (char === "(" || char === "[") depth++
      else if (char === ")" || char === "]") depth = Math.max(0, depth - 1)
      push(char, at)
    }
  }
  finish(query.length)
  return words
}
