/**
 * One line about whatever a child failed with, safe for the tree, events and logs.
 *
 * A failure is somebody else's value: it may hold a bigint or itself, throw when it is read, be 10 MB long or carry a
 * password. So no code of its own runs but a `message` or `name` getter, a throw costs only the part that threw, the
 * text is at most `textMax` characters long, and what looks like a secret is replaced by `<redacted>`.
 */
import * as Cause from "effect/Cause"

/** Characters of a text about one failure; what is beyond is cut off. */
export const textMax = 1000

/** Levels of nested objects that are shown, and entries of each. */
const depthMax = 3
const entriesMax = 20

const redacted = "<redacted>"

const secretKey = /pass(word|phrase|wd)?|secret|token|credential|authorization|cookie|api[-_]?key|private[-_]?key/i

const secrets: ReadonlyArray<readonly [RegExp, string]> = [
  [/(\/\/[^\s/:@]*):[^\s/@]+@/g, `$1:${redacted}@`],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, `$1 ${redacted}`],
  [/\b((?:\w*[-_])?(?:password|passwd|pwd|secret|token|api[-_]?key))(\s*[=:]\s*)[^\s,;&"']+/gi, `$1$2${redacted}`]
]

/** Cuts a text to its first `textMax` characters, without its secrets. */
export const line = (text: string): string => {
  // Twice as much as is kept, so that a secret at the edge is recognised before it is cut.
  const masked = secrets.reduce((masked, [secret, mask]) => masked.replace(secret, mask), text.slice(0, 2 * textMax))
  if (masked.length <= textMax && text.length <= 2 * textMax) return masked
  // Put together anew, for a slice would keep the whole original in memory.
  return `${Array.from(masked.slice(0, textMax)).join("")}… (${text.length} characters)`
}

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
  above.add(value)
  const isList = Array.isArray(value)
  const keys = Object.keys(value)
  const entries = keys.slice(0, entriesMax).map((key) => {
    const text = secretKey.test(key) ? redacted : safely(() => fieldText(value, key, depth, above), "[unreadable]")
    return isList ? text : `${JSON.stringify(key)}:${text}`
  })
  above.delete(value)
  const all = [...entries, ...(keys.length > entriesMax ? ["…"] : [])].join(",")
  return isList ? `[${all}]` : `{${all}}`
}

const fieldText = (value: object, key: string, depth: number, above: Set<unknown>): string => {
  const field = Object.getOwnPropertyDescriptor(value, key)
  return field === undefined || !("value" in field) ? "[getter]" : shown(field.value, depth - 1, above)
}
