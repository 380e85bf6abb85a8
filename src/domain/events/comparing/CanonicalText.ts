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

/** JSON without its formatting; text that is none stays as it is. */
export const ofJson = (text: string): string =>
  Option.match(parse(text), { onNone: () => text, onSome: (value) => JSON.stringify(sorted(value)) })
