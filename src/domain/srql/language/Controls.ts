/** The keys that are no filters, each read into what the parser has so far. */
import { Result } from "effect"
import { type Aggregate, aggregates, type Comparison, type Having, type Order, type Query } from "./Query.ts"
import { type Answer, refuse, type Span } from "./SrqlError.ts"
import * as TimeRange from "./TimeRange.ts"
import { slice, splitAt, type Text, trim } from "./Tokens.ts"
import type { Value } from "./Values.ts"

/** What a catalog knows of names. */
export interface EntityNames {
  /** The catalog's name for one of its spellings, in lower case. */
  readonly resolve: (spelling: string) => string | undefined
  readonly spellings: Iterable<string>
  /** Why an entity that others have is not here, by its spelling in lower case. */
  readonly missing?: ReadonlyMap<string, string>
}

/** How fields are written, known or not. */
export const isKey = (key: string): boolean => /^[a-z0-9_][a-z0-9_.-]*$/.test(key)

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

export interface Draft extends Mutable<Omit<Query, "entities" | "downsample">> {
  entities: ReadonlyArray<string>
  bucket: { readonly seconds: number; readonly at: Span } | null
  agg: Aggregate
  series: string | null
  valueField: string | null
}

export type Control = (draft: Draft, value: Value, names: EntityNames) => Answer<void>

const done: Answer<void> = Result.succeed(undefined)

const scalar = (value: Value): Answer<Text> =>
  value._tag === "Scalar"
    ? Result.succeed(value.text)
    : refuse({
      at: value.text.span,
      detail: "expected scalar value",
      found: value.text.chars,
      expected: "one value without brackets"
    })

/** A control whose value is one text. */
const ofText =
  (apply: (draft: Draft, text: Text, names: EntityNames) => Answer<void>): Control => (draft, value, names) => {
    const text = scalar(value)
    return Result.isFailure(text) ? Result.fail(text.failure) : apply(draft, text.success, names)
  }

const entity: Control = ofText((draft, text, names) => {
  const entities: Array<string> = []
  for (const part of splitAt(text, (char) => char === ",").map(trim)) {
    const name = names.resolve(part.chars.toLowerCase())
    const why = names.missing?.get(part.chars.toLowerCase())
    if (name === undefined && why !== undefined) {
      return refuse({
        at: part.span,
        detail: `unsupported entity '${part.chars}': ${why}`,
        found: part.chars,
        expected: "an entity that is here"
      })
    }
    if (name === undefined) {
      return refuse({
        at: part.span,
        detail: `unsupported entity '${part.chars}'`,
        found: part.chars,
        expected: "an entity",
        known: names.spellings
      })
    }
    if (!entities.includes(name)) entities.push(name)
  }
  draft.entities = entities
  draft.entityAt = text.span
  return done
})

const limit: Control = ofText((draft, { chars, span }) => {
  const bad = (detail: string) => refuse({ at: span, detail, found: chars, expected: "a whole number above 0" })
  if (!/^[+-]?\d+$/.test(chars.trim())) return bad("invalid limit")
  const value = Number(chars)
  if (!Number.isSafeInteger(value)) return bad("invalid limit")
  if (value <= 0) return bad("limit must be a positive integer")
  draft.limit = value
  return done
})

const sortMax = 16

const sort: Control = ofText((draft, text) => {
  const order: Array<Order> = [...draft.order]
  for (const part of splitAt(text, (char) => char === ",").map(trim)) {
    const colon = part.chars.indexOf(":")
    const field = (colon < 0 ? part.chars : part.chars.slice(0, colon)).trim().toLowerCase()
    const isAscending = colon >= 0 && part.chars.slice(colon + 1).trim().toLowerCase() === "asc"
    if (field === "") continue
    if (!isKey(field)) {
      return refuse({
        at: part.span,
        detail: `unsupported sort field '${field}'`,
        found: field,
        expected: "a field of letters, digits, _, . and -"
      })
    }
    order.push({ field, direction: isAscending ? "asc" : "desc", at: part.span })
    if (order.length > sortMax) {
      return refuse({
        at: part.span,
        detail: `sort supports at most ${sortMax} fields`,
        found: `${order.length}`,
        expected: `at most ${sortMax}`
      })
    }
  }
  draft.order = order
  return done
})

/** A bare `[start,end]` looks like a list. */
const time: Control = (draft, value) => {
  const text = value._tag === "List" && value.text.chars.startsWith("[") ? Result.succeed(value.text) : scalar(value)
  if (Result.isFailure(text)) return Result.fail(text.failure)
  const { chars, span } = text.success
  return Result.map(TimeRange.parse(chars, span), (filter) => {
    draft.time = filter
    draft.timeAt = span
  })
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const bucketSecondsMax = 31 * 86_400

const bucket: Control = ofText((draft, { chars, span }) => {
  const bad = (detail: string) =>
    refuse({ at: span, detail, found: chars, expected: "a number and s, m, h or d, from 1s to 31d" })
  const text = chars.trim().toLowerCase()
  const unit = secondsOf[text.slice(-1)]
  if (unit === undefined) return bad("bucket supports only s|m|h|d suffixes")
  if (!/^[+-]?\d+$/.test(text.slice(0, -1))) return bad("bucket duration must be an integer")
  const count = Number(text.slice(0, -1))
  if (count <= 0) return bad("bucket duration must be positive")
  if (count * unit > bucketSecondsMax) return bad("bucket duration must be between 1s and 31d")
  draft.bucket = { seconds: count * unit, at: span }
  return done
})

const agg: Control = ofText((draft, { chars, span }) => {
  const word = chars.trim().toLowerCase()
  const found = aggregates.find((name) => name === (word === "mean" ? "avg" : word))
  if (found === undefined) {
    return refuse({
      at: span,
      detail: `unsupported agg '${chars}' (use avg|min|max|sum|count|rate)`,
      found: chars,
      expected: "avg, min, max, sum, count or rate",
      known: aggregates
    })
  }
  draft.agg = found
  return done
})

const nameOf = (text: Text): string | null => text.chars.trim().toLowerCase() || null

const series: Control = ofText((draft, text) => {
  draft.series = nameOf(text)
  return done
})

const valueField: Control = ofText((draft, text) => {
  draft.valueField = nameOf(text)
  return done
})

const rollup: Control = ofText((draft, { chars, span }) => {
  const type = chars.trim().toLowerCase()
  if (type === "") {
    return refuse({
      at: span,
      detail: "rollup_stats requires a type (e.g., rollup_stats:severity)",
      found: chars,
      expected: "a type of rollup"
    })
  }
  draft.rollup = { type, at: span }
  return done
})

const comparisons: Readonly<Record<string, Comparison>> = {
  "=": "eq",
  "!=": "not_eq",
  ">": "gt",
  ">=": "gte",
  "<": "lt",
  "<=": "lte"
}

const condition = /^([a-z0-9_]+)\s*(>=|<=|!=|=|>|<)\s*(-?\d{1,18}(?:\.\d{1,18})?)$/

const having: Control = ofText((draft, text) => {
  const conditions: Array<Having> = [...draft.having]
  for (const part of splitAt(text, (char) => char === ",").map(trim)) {
    const [, alias, sign = "", value] = condition.exec(part.chars.toLowerCase()) ?? []
    const op = comparisons[sign]
    if (alias === undefined || op === undefined || value === undefined) {
      return refuse({
        at: part.span,
        detail: `invalid having condition '${part.chars}'`,
        found: part.chars,
        expected: "an alias of stats, a comparison and a number, as in n>5"
      })
    }
    conditions.push({ alias, op, value, at: part.span })
  }
  draft.having = conditions
  return done
})

/** The original accepts and discards them. */
const nothing: Control = () => done

export const controls: Readonly<Record<string, Control>> = {
  in: entity,
  limit,
  sort,
  order: sort,
  time,
  timeframe: time,
  bucket,
  downsample: bucket,
  agg,
  series,
  value_field: valueField,
  "value-field": valueField,
  rollup_stats: rollup,
  having,
  window: nothing,
  bounded: nothing,
  mode: nothing
}

const often: ReadonlySet<Control> = new Set([sort, having, nothing])

/** The first of the names of a control that holds once in a query: of several the last one. */
export const onceNameOf = (key: string): string | undefined => {
  const control = controls[key]
  return control === undefined || often.has(control) ? undefined : onceNames.get(control)
}

const onceNames = new Map(Object.entries(controls).reverse().map(([name, control]) => [control, name]))

/** What a key is taken for before it is a filter. */
export const keys: ReadonlyArray<string> = [...Object.keys(controls), "stats"]

export const statsMax = 1024

const tooLong = (at: Span, raw: string) =>
  refuse({
    at,
    detail: `stats expression must be <= ${statsMax} characters`,
    found: raw,
    expected: `at most ${statsMax} characters`
  })

const byClause = /^(.*?)\s+by\s+([^()]+)$/is

/** Several `stats:` are one list; two different groupings are a contradiction. */
const merge = (first: string, second: string, at: Span): Answer<string> => {
  const [, one = first, oneBy] = byClause.exec(first) ?? []
  const [, two = second, twoBy] = byClause.exec(second) ?? []
  const by = oneBy ?? twoBy
  if (by !== undefined && twoBy !== undefined && by.trim().toLowerCase() !== twoBy.trim().toLowerCase()) {
    return refuse({
      at,
      detail: "conflicting 'by' clauses across stats expressions",
      found: twoBy,
      expected: by
    })
  }
  return Result.succeed(`${one}, ${two}${by === undefined ? "" : ` by ${by}`}`)
}

/** `following` are the words after it: `as X` and then `by Y` belong to it. Answers with how many of them it took. */
export const readStats = (draft: Draft, value: Value, following: ReadonlyArray<Text>): Answer<number> => {
  const text = scalar(value)
  if (Result.isFailure(text)) return Result.fail(text.failure)
  let raw = text.success.chars.trim()
  if (raw === "") {
    return refuse({
      at: text.success.span,
      detail: "stats requires an expression",
      found: raw,
      expected: "count() as total, for example"
    })
  }
  let end = text.success.span.end
  let taken = 0
  for (const word of ["as", "by"]) {
    const [keyword, name] = [following[taken], following[taken + 1]]
    if (keyword?.chars.toLowerCase() !== word || name === undefined || name.chars.includes(":")) continue
    raw = `${raw} ${word} ${name.chars}`.trim()
    end = name.span.end
    taken += 2
  }
  const at = { start: text.success.span.start, end }
  if (raw.length > statsMax) return tooLong(at, raw)
  const merged = draft.stats === null ? Result.succeed(raw) : merge(draft.stats.raw, raw, at)
  if (Result.isFailure(merged)) return Result.fail(merged.failure)
  if (merged.success.length > statsMax) return tooLong(at, merged.success)
  draft.stats = { raw: merged.success, at }
  return Result.succeed(taken)
}

/** The part of a word before and after its first colon. */
export const splitWord = (word: Text): { readonly key: Text; readonly value: Text } | undefined => {
  const colon = word.chars.indexOf(":")
  return colon < 0
    ? undefined
    : { key: trim(slice(word, 0, colon)), value: slice(word, colon + 1, word.chars.length) }
}
