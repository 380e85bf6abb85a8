/** From a query's text to its tree. Needs of the catalog only how entities are spelled. */
import { Result } from "effect"
import * as Controls from "./Controls.ts"
import * as Filters from "./Filters.ts"
import type { Filter, Overridden, Query } from "./Query.ts"
import { type Answer, refuse, type Span } from "./SrqlError.ts"
import { tokenize } from "./Tokens.ts"
import * as Values from "./Values.ts"

export type { EntityNames } from "./Controls.ts"

/** Longer texts are no questions. */
export const queryMax = 65_536

/** Of more of them PostgreSQL takes longer to plan than to read what they leave. */
const filtersMax = 200

/** No database keeps U+0000, and half of a surrogate pair is no character. */
const noCharacter = /[\0\p{Surrogate}]/u

const draftOf = (at: Span): Controls.Draft => ({
  overridden: [],
  entities: [],
  entityAt: at,
  filters: [],
  order: [],
  limit: null,
  time: null,
  timeAt: at,
  stats: null,
  bucket: null,
  agg: "avg",
  series: null,
  valueField: null,
  rollup: null,
  having: []
})

const finish = (draft: Controls.Draft, filters: ReadonlyArray<Filter>, text: string): Answer<Query> => {
  const { agg, bucket, series, valueField, ...rest } = draft
  const [first, ...more] = draft.entities
  if (first === undefined) {
    return refuse({
      at: { start: 0, end: text.length },
      detail: "queries must include an in:<entity> token",
      found: text,
      expected: "in:devices, for example"
    })
  }
  const downsample = bucket === null ? null : { bucketSeconds: bucket.seconds, agg, series, valueField, at: bucket.at }
  return Result.succeed({ ...rest, entities: [first, ...more], downsample, filters })
}

export const parse = (text: string, names: Controls.EntityNames): Answer<Query> => {
  const whole = { start: 0, end: text.length }
  if (text.length > queryMax) {
    return refuse({
      at: whole,
      detail: `queries must be <= ${queryMax} characters`,
      found: `${text.length} characters`,
      expected: `at most ${queryMax}`
    })
  }
  const broken = noCharacter.exec(text)
  if (broken !== null) {
    return refuse({
      at: { start: broken.index, end: broken.index + 1 },
      detail: "queries must be text",
      found: broken[0],
      expected: "no U+0000 and no half of a surrogate pair"
    })
  }
  const words = tokenize(text)
  const draft = draftOf(whole)
  const filters: Array<Filter> = []
  const latest = new Map<string, Overridden>()
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (word === undefined) continue
    const parts = Controls.splitWord(word)
    const key = parts?.key.chars.toLowerCase() ?? ""
    if (parts !== undefined && key === "stats") {
      const taken = Controls.readStats(draft, Values.read(parts.value), words.slice(at + 1, at + 5))
      if (Result.isFailure(taken)) return Result.fail(taken.failure)
      at += taken.success
      continue
    }
    const control = parts !== undefined && Object.hasOwn(Controls.controls, key) ? Controls.controls[key] : undefined
    if (parts !== undefined && control !== undefined) {
      const applied = control(draft, Values.read(parts.value), names)
      if (Result.isFailure(applied)) return Result.fail(applied.failure)
      const name = Controls.onceNameOf(key)
      if (name === undefined) continue
      const { chars: value, span } = parts.value
      const before = latest.get(name)
      if (before !== undefined && before.value !== value) draft.overridden = [...draft.overridden, before]
      latest.set(name, { key, value, at: span })
      continue
    }
    const read = Filters.read(word)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    filters.push(...read.success)
    if (filters.length > filtersMax) {
      return refuse({
        at: word.span,
        detail: `queries support at most ${filtersMax} filters`,
        found: `${filters.length} filters`,
        expected: `at most ${filtersMax}`
      })
    }
  }
  return finish(draft, filters, text)
}
