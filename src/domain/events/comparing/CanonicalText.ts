/** Values as text that is the same for values that mean the same, however a writer or a column type formats them. */
import { Result } from "effect"
import * as Json from "../decode/Json.ts"

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!Json.isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map(([key, held]) => [key, sorted(held)])
  )
}

export const ofValue = (value: unknown): string => JSON.stringify(sorted(value))

/** JSON without its formatting, with every digit of its numbers; text that is none stays as it is. */
export const ofJson = (text: string): string =>
  Result.match(Json.parseWhole(text), { onFailure: () => text, onSuccess: ofValue })

/** The same without what is stored nowhere. */
export const withoutSecrets = (text: string): string =>
  Result.match(Json.parseWhole(text), {
    onFailure: () => text,
    onSuccess: (value) => ofValue(Json.withoutSecrets(value))
  })

/** The same; an empty list counts as none. */
export const ofList = (text: string): string | null => {
  const list = ofJson(text)
  return list === "[]" ? null : list
}
