/**
 * One line about whatever a child failed with, safe for the tree, events and logs.
 *
 * A failure is somebody else's value: it may hold a bigint or itself, throw when it is read, be 10 MB long or carry a
 * password. So no code of its own runs but a `message` or `name` getter, a throw costs only the part that threw, the
 * text is at most `textMax` characters long, and what looks like a secret is replaced by `<redacted>`.
 */
import * as Cause from "effect/Cause"
import { oneLine } from "../config/PrintableText.ts"

/** Characters of a text about one failure; what is beyond is cut off. */
export const textMax = 1000

/** Levels of nested objects that are shown, and entries of each. */
const depthMax = 3
const entriesMax = 20

/** Own names of an object that are looked at for its entries, for not all are enumerable. */
const namesMax = 5 * entriesMax

const redacted = "<redacted>"

const secretKey = /pass(word|phrase|wd)?|secret|token|credential|authorization|cookie|api[-_]?key|private[-_]?key/i

/** Without any of these nothing in `secrets` is found: most texts are looked at once and not three times. */
const mayHoldSecret = /[=:]|bearer|basic/i

const secrets: ReadonlyArray<readonly [RegExp, string]> = [
  [/(\/\/[^\s/:@]*):[^\s/@]+@/g, `$1:${redacted}@`],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, `$1 ${redacted}`],
  [/\b((?:\w*[-_])?(?:password|passwd|pwd|secret|token|api[-_]?key))(\s*[=:]\s*)[^\s,;&"']+/gi, `$1$2${redacted}`]
]

/** Cuts a text to its first `textMax` characters, in one line, without its secrets and what would steer a terminal. */
export const line = (text: string): string => {
  // Twice as much as is kept, so that a secret at the edge is recognised before it is cut.
  const begin = oneLine(text.slice(0, 2 * textMax))
  const masked = mayHoldSecret.test(begin) ? withoutSecrets(begin) : begin
  if (masked.length <= textMax && text.length <= 2 * textMax) return masked
  // Put together anew, for a slice would keep the whole original in memory.
  return `${Array.from(masked.slice(0, textMax)).join("")}… (${text.length} characters)`
}

const withoutSecrets = (text: string): string =>
  secrets.reduce((masked, [secret, mask]) => masked.replace(secret, mask), text)

/** One line about an error, a defect or any other value. */
export const describe = (failure: unknown): string => line(safely(() => textOf(failure), "[unreadable]"))

/** One line about a cause: what `Cause.squash` finds most telling of it; empty for an empty cause. */
export const describeCause = (cause: Cause.Cause<unknown>): string => {
  if (cause.reasons.length === 0) return ""
  return Cause.hasInterruptsOnly(cause) ? "interrupted" : describe(Cause.squash(cause))
}

/** Reads a value that may throw when it is read. */
export const safely = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const textOf = (failure: unknown): string => {
  if (typeof failure === "string") return failure
  if (failure instanceof Error) return errorText(failure)
  return shown(failure, depthMax, new Set())
}

const errorText = (error: Error): string => {
  const name = safely(() => String(error.name), "Error")
  const message = safely(() => String(error.message), "[message unreadable]")
  return message === "" || message === name ? name : `${name}: ${message}`
}

/** As JSON would show it, but for everything, without running `toJSON` or getters and only so deep. */
const shown = (value: unknown, depth: number, above: Set<unknown>): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > textMax ? `${value.slice(0, textMax)}…` : value)
    case "bigint":
      return `${value}n`
    case "function":
      return "[function]"
    case "object":
      if (value === null) return "null"
      if (above.has(value)) return "[circular]"
      return depth === 0 ? "…" : safely(() => entriesText(value, depth, above), "[unreadable]")
    default:
      return String(value)
  }
}

const entriesText = (value: object, depth: number, above: Set<unknown>): string => {
  if (value instanceof Error) return errorText(value)
  if (value instanceof Date) return JSON.stringify(Date.prototype.toISOString.call(value))
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  above.add(value)
  const { isWhole, keys } = firstKeys(value)
  const entries = keys.map((key) => {
    const text = secretKey.test(key) ? redacted : safely(() => fieldText(value, key, depth, above), "[unreadable]")
    return Array.isArray(value) ? text : `${JSON.stringify(key)}:${text}`
  })
  above.delete(value)
  const all = [...entries, ...(isWhole ? [] : ["…"])].join(",")
  return Array.isArray(value) ? `[${all}]` : `{${all}}`
}

/** Millions of keys are never all looked at: that would hold up everybody for a second. */
const firstKeys = (value: object): { readonly keys: ReadonlyArray<string>; readonly isWhole: boolean } => {
  if (Array.isArray(value)) {
    const keys = Array.from({ length: Math.min(value.length, entriesMax) }, (_, index) => String(index))
    return { keys, isWhole: value.length <= entriesMax }
  }
  const names = Reflect.ownKeys(value)
  const seen = names.slice(0, namesMax).filter((name) => typeof name === "string" && isEnumerable(value, name))
  const keys = seen.slice(0, entriesMax).map(String)
  return { keys, isWhole: names.length <= namesMax && seen.length <= entriesMax }
}

const isEnumerable = (value: object, name: string): boolean =>
  Object.getOwnPropertyDescriptor(value, name)?.enumerable === true

const fieldText = (value: object, key: string, depth: number, above: Set<unknown>): string => {
  const field = Object.getOwnPropertyDescriptor(value, key)
  if (field === undefined) return "undefined"
  return "value" in field ? shown(field.value, depth - 1, above) : "[getter]"
}
