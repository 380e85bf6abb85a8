/** What stands after a key's colon: one text, a list of texts, or a group of keys. */
import { slice, splitAt, type Text, trim } from "./Tokens.ts"

export interface Scalar {
  readonly _tag: "Scalar"
  readonly text: Text
}

export interface List {
  readonly _tag: "List"
  readonly items: ReadonlyArray<Text>
  readonly text: Text
}

/** `(a:1 b:2)`: an addition of this implementation. */
export interface Group {
  readonly _tag: "Group"
  readonly words: ReadonlyArray<Text>
  readonly text: Text
}

export type Value = Scalar | List | Group

const stripEnds = (text: Text, quote: string): Text => {
  const isEnd = (at: number): boolean => text.chars[at] === quote && !text.literal.has(at)
  let from = 0
  let to = text.chars.length
  while (from < to && isEnd(from)) from++
  while (to > from && isEnd(to - 1)) to--
  return slice(text, from, to)
}

/**
 * One pair of quotes around the whole text is dropped, and nothing else of it: what stands inside is the value. Where the
 * quotes are not one pair (`x"`, `""x""`), all at both ends go, as in the original. Backticks stay.
 */
const unquote = (text: Text): Text => {
  const end = text.chars.length - 1
  const isPair = text.quotes.size === 2 && text.quotes.has(0) && text.quotes.has(end) && text.chars[0] !== "`"
  return isPair ? slice(text, 1, end) : stripEnds(stripEnds(text, "\""), "'")
}

const isBracketed = ({ chars }: Text): boolean =>
  (chars.startsWith("(") && chars.endsWith(")")) || (chars.startsWith("[") && chars.endsWith("]"))

/** At least two `key:value` and no comma: no list of the original looks like this. */
const groupOf = (inner: Text): ReadonlyArray<Text> | undefined => {
  if (splitAt(inner, (char) => char === ",").length > 1) return undefined
  const words = splitAt(inner, (char) => /\s/.test(char)).filter(({ chars }) => chars !== "")
  return words.length > 1 && words.every(({ chars }) => /^!?[a-z_][a-z0-9_.]*:/i.test(chars)) ? words : undefined
}

export const read = (given: Text): Value => {
  const text = trim(given)
  if (text.chars.length < 2 || !isBracketed(text)) return { _tag: "Scalar", text: unquote(text) }
  const inner = slice(text, 1, text.chars.length - 1)
  const words = text.chars.startsWith("(") ? groupOf(inner) : undefined
  if (words !== undefined) return { _tag: "Group", words, text }
  const items = splitAt(inner, (char) => char === ",").map((item) => unquote(trim(item)))
  return { _tag: "List", items: items.filter(({ chars }) => chars !== ""), text }
}
