/** Values as text that is the same for values that mean the same, however a writer or a column type formats them. */
import { Option, Schema } from "effect"

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map(([key, held]) => [key, sorted(held)])
  )
}

/** `k=v,k=v`, as the Go services flatten attributes; none when it is no such text. */
const pairsOf = (text: string): ReadonlyArray<readonly [string, string]> | undefined => {
  const pairs = text.split(",").map((part) => {
    const at = part.indexOf("=")
    return [part.slice(0, Math.max(at, 0)).trim(), part.slice(at + 1).trim()] as const
  })
  return pairs.every(([key]) => key !== "") ? pairs : undefined
}

const valueText = (value: unknown): string => {
  if (typeof value === "object" && value !== null) return JSON.stringify(sorted(value))
  const text = String(value ?? "")
  // The Go services write six digits of each fraction.
  return /^-?\d+\.\d+$/.test(text) ? String(Number(text)) : text
}

/** The Go services leave out what is empty, false or zero, and lists and maps. */
const isLeftOut = (value: unknown): boolean =>
  value === "" || value === false || value === 0 || value === null || (typeof value === "object" && value !== null)

/**
 * Attributes as one text, whether they are JSON or `k=v,k=v`, without what one of the forms cannot hold. Null when nothing
 * is left.
 */
export const ofAttributes = (text: string): string | null => {
  const value = Option.getOrUndefined(parse(text))
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
  const entries = isObject ? Object.entries(value).filter(([, one]) => !isLeftOut(one)) : pairsOf(text)
  if (entries === undefined) return text
  const kept = entries.map(([key, one]) => `${key}=${valueText(one)}`).sort()
  return kept.length === 0 ? null : kept.join("\n")
}

/** JSON without its formatting; text that is none stays as it is. */
export const ofJson = (text: string): string =>
  Option.match(parse(text), { onNone: () => text, onSome: (value) => JSON.stringify(sorted(value)) })
