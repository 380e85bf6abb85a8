/**
 * What all messages of a check have in common: the paths in them, the types found there, and the values that never change.
 *
 * Times and measurements differ from poll to poll, and from poller to poller with it; so a value is compared only where
 * each side always had the same. Entries of arrays share one path.
 */
import { Result } from "effect"

export interface PayloadShape {
  messages: number
  readonly paths: Map<string, PathSeen>
  /** There were more paths than are kept. */
  isCut: boolean
}

interface PathSeen {
  /** Messages that have it. */
  messages: number
  readonly types: Set<string>
  /** As JSON; undefined once it was another, or is no plain value. */
  value: string | undefined
}

export interface PayloadDifference {
  readonly path: string
  readonly kind: "only left" | "only right" | "type" | "value"
  readonly left?: string
  readonly right?: string
}

const pathsMax = 500
const depthMax = 16
const valueCharactersMax = 200

/** Two pollers have two names. */
const ignored: ReadonlySet<string> = new Set(["poller_id"])

export const make = (): PayloadShape => ({ messages: 0, paths: new Map(), isCut: false })

export const note = (shape: PayloadShape, message: string): void => {
  shape.messages += 1
  const parsed = Result.try((): unknown => JSON.parse(message))
  const found = new Map<string, Omit<PathSeen, "messages">>()
  if (Result.isSuccess(parsed)) walk(found, "", parsed.success, 0)
  else add(found, "", "text", message)
  for (const [path, { types, value }] of found) {
    const seen = shape.paths.get(path)
    if (seen !== undefined) {
      seen.messages += 1
      for (const type of types) seen.types.add(type)
      if (seen.value !== value) seen.value = undefined
    } else if (shape.paths.size >= pathsMax) shape.isCut = true
    else shape.paths.set(path, { messages: 1, types, value })
  }
}

type Found = Map<string, Omit<PathSeen, "messages">>

const walk = (found: Found, path: string, value: unknown, depth: number): void => {
  if (ignored.has(path)) return
  if (typeof value !== "object" || value === null) {
    return add(found, path, value === null ? "null" : typeof value, JSON.stringify(value))
  }
  const isArray = Array.isArray(value)
  add(found, path, isArray ? "array" : "object", undefined)
  if (depth >= depthMax || found.size > pathsMax) return
  if (isArray) { for (const one of value) walk(found, `${path}[]`, one, depth + 1) }
  else for (const [key, one] of Object.entries(value)) walk(found, path === "" ? key : `${path}.${key}`, one, depth + 1)
}

const add = (found: Found, path: string, type: string, text: string | undefined): void => {
  const value = text === undefined || text.length <= valueCharactersMax ? text : undefined
  const before = found.get(path)
  if (before === undefined) {
    found.set(path, { types: new Set([type]), value })
    return
  }
  before.types.add(type)
  if (before.value !== value) before.value = undefined
}

/** A value that was seen once may change with the next poll. */
const messagesMin = 2

export const compare = (left: PayloadShape, right: PayloadShape): ReadonlyArray<PayloadDifference> => {
  if (left.messages === 0 || right.messages === 0) return []
  return Array.from(new Set([...left.paths.keys(), ...right.paths.keys()])).toSorted().flatMap((path) =>
    differencesAt(path, left, right)
  )
}

const differencesAt = (path: string, left: PayloadShape, right: PayloadShape): ReadonlyArray<PayloadDifference> => {
  const of = { left: left.paths.get(path), right: right.paths.get(path) }
  if (of.left === undefined || of.right === undefined) {
    const [seen, there, elsewhere, kind] = of.right === undefined
      ? [of.left, left, right, "only left" as const]
      : [of.right, right, left, "only right" as const]
    // What comes and goes may not have come to the other side yet, and what was cut may be there.
    return seen?.messages !== there.messages || elsewhere.isCut ? [] : [{ path, kind }]
  }
  if (of.left.types.isDisjointFrom(of.right.types)) {
    return [{ path, kind: "type", left: typesOf(of.left), right: typesOf(of.right) }]
  }
  const { value: leftValue } = of.left
  const { value: rightValue } = of.right
  const isSteady = of.left.messages >= messagesMin && of.right.messages >= messagesMin
  if (!isSteady || leftValue === undefined || rightValue === undefined || leftValue === rightValue) return []
  return [{ path, kind: "value", left: leftValue, right: rightValue }]
}

const typesOf = ({ types }: PathSeen): string => Array.from(types).toSorted().join(" or ")
