/**
 * Attributes as the Go services of v1.0.76 write and read them: `k=v,k=v`.
 *
 * The form has no escapes: a comma in a text ends its value for a reader. Values that are no text keep theirs out of it.
 */
import { Result } from "effect"
import { isObject, parse, textValue } from "../../decode/Json.ts"

const valueText = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? JSON.stringify(value).replaceAll(",", ";")
    : textValue(value) ?? ""

/** One text for each attribute with a value. */
export const pairs = (attributes: unknown): ReadonlyArray<string> =>
  isObject(attributes)
    ? Object.entries(attributes).map(([key, value]) => [key, valueText(value)] as const)
      .filter(([, value]) => value !== "").map(([key, value]) => `${key}=${value}`)
    : []

/** From the JSON text of attributes; empty when there are none. */
export const ofJson = (text: string | null): string =>
  text === null || text === "" ? "" : pairs(Result.getOrUndefined(parse(text))).join(",")
