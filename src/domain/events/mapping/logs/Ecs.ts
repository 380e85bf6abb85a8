/** Members of the Elastic Common Schema, which come as objects (`service: { name }`) or with dots in their names. */
import { isObject, type JsonObject, textValue } from "../../decode/Json.ts"

/** The value at a path such as `log.level`. */
export const member = (object: JsonObject, path: string): unknown => {
  const whole = object[path]
  if (whole !== undefined) return whole
  const dot = path.indexOf(".")
  const group = dot < 0 ? undefined : object[path.slice(0, dot)]
  return isObject(group) ? member(group, path.slice(dot + 1)) : undefined
}

const groups = ["service", "log", "host", "event", "trace", "span"] as const

/** Whether a record may be of this schema: one of its groups is an object, or a key has a dot in it. */
export const isLikely = (object: JsonObject): boolean => {
  for (const group of groups) if (isObject(object[group])) return true
  return object["log.level"] !== undefined || object["trace.id"] !== undefined || object["span.id"] !== undefined
}

const names = ["name", "hostname", "ip", "address"] as const

/** What something is called: the text itself, or the name in an object that describes it. */
export const nameOf = (value: unknown): string | null => {
  if (!isObject(value)) return textValue(value)
  for (const key of names) {
    const name = value[key]
    if (typeof name === "string" && name !== "") return name
  }
  return JSON.stringify(value)
}
