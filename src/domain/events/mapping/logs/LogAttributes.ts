/** Attributes of a log record in JSON: given as an object or text, and gathered from keys that nobody reserved. */
import { Result } from "effect"
import { isObject, type JsonObject, parse, put } from "../../decode/Json.ts"
import * as Secrets from "../../decode/Secrets.ts"
import * as LogKeys from "./LogKeys.ts"

/** `k=v,k=v`, as the Go services flatten attributes; parts without `=` say nothing. */
const pairs = (text: string): JsonObject =>
  Object.fromEntries(
    text.split(",").flatMap((part) => {
      const at = part.indexOf("=")
      const key = part.slice(0, Math.max(at, 0)).trim()
      return key === "" || Secrets.isSecretKey(key) ? [] : [[key, part.slice(at + 1).trim()]]
    })
  )

/** An object as it is; text as JSON or as pairs; none of anything else. */
export const read = (value: unknown): JsonObject | undefined => {
  if (isObject(value)) return value
  if (typeof value !== "string" || value.trim() === "") return undefined
  if (!value.trimStart().startsWith("{")) return pairs(value)
  const inner = Result.getOrUndefined(parse(value))
  return isObject(inner) ? inner : undefined
}

/** Whether `read` leaves nothing out but secrets: what may have some and is neither JSON nor pairs is told nowhere. */
export const isReadable = (value: unknown): boolean => {
  if (typeof value !== "string") return isObject(value)
  return value.includes("=") || Secrets.isSuspect(value) || value.trim() === "" ||
    read(value) !== undefined && value.trimStart().startsWith("{")
}

/**
 * The given attributes and every other key with a value. A given attribute counts more than a key of the same name.
 * Other messages that lost against `body` are kept here too, and keys whose value could not be read (`unread`), so the
 * record stays whole.
 */
export const gather = (object: JsonObject, used: string | undefined, unread: ReadonlySet<string>): JsonObject => {
  const given = read(object["attributes"])
  let gathered: Record<string, unknown> | undefined
  for (const key in object) {
    const value = object[key]
    if (value === null || value === "" || key === used) continue
    if (LogKeys.reserved.has(key) && !unread.has(key)) continue
    if (!Secrets.isSecretKey(key)) put(gathered ??= {}, key, value)
  }
  if (gathered === undefined) return given ?? {}
  if (given !== undefined) { for (const key in given) put(gathered, key, given[key]) }
  return gathered
}
