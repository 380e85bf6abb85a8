/** What may come next in a query that somebody is typing: words of the language, entities, fields and known values. */
import type { Catalog } from "../catalog/Catalog.ts"
import type { Entity } from "../catalog/Entity.ts"
import { keys } from "./Controls.ts"
import { aggregates } from "./Query.ts"

export interface Completion {
  /** The end of the text that a candidate takes the place of. */
  readonly replaced: string
  readonly candidates: ReadonlyArray<string>
}

const times = ["last_15m", "last_1h", "last_6h", "last_24h", "last_7d", "last_30d", "today", "yesterday"]
const buckets = ["1m", "5m", "15m", "1h", "6h", "1d"]
const functions = ["count", "count_distinct", "sum", "avg", "min", "max", "p50", "p95", "p99", "group_uniq_array"]

const entityOf = (text: string, catalog: Catalog): Entity | undefined => {
  const spelling = /(?:^|\s)in:\s*"?(\w+)/i.exec(text)?.[1]?.toLowerCase()
  return spelling === undefined ? undefined : catalog.entity(spelling)
}

const startingWith = (replaced: string, known: Iterable<string>): Completion => ({
  replaced,
  candidates: [...new Set(known)].filter((one) => one.startsWith(replaced.toLowerCase()) && one !== replaced).sort()
})

/** Keys end with the colon after which their value comes. */
const afterNothing = (word: string, entity: Entity | undefined): Completion => {
  const sign = word.startsWith("!") ? "!" : ""
  const fields = entity === undefined ? [] : [
    ...entity.fields.keys(),
    ...(entity.latest === null ? [] : ["latest"]),
    ...(entity.document?.switches.keys() ?? []),
    ...[...entity.documents.keys()].map((name) => `${name}.`)
  ]
  const words = sign === "" ? [...keys, ...fields] : fields
  const known = entity === undefined && sign === "" && !"in:".startsWith(word) ? keys : words
  return startingWith(word, known.map((name) => name.endsWith(".") ? `${sign}${name}` : `${sign}${name}:`))
}

const lastOf = (value: string): string => value.slice(value.lastIndexOf(",") + 1)

const ofSort = (value: string, entity: Entity): Completion => {
  const last = lastOf(value)
  const colon = last.indexOf(":")
  return colon < 0
    ? startingWith(last, entity.sorts.keys())
    : startingWith(last.slice(colon + 1), ["asc", "desc"])
}

const ofStats = (value: string, entity: Entity): Completion => {
  const last = /[\w.]*$/.exec(value)?.[0] ?? ""
  if (/\bby\s+[\w,\s]*$/i.test(value)) return startingWith(last, entity.groups.keys())
  return value.slice(0, value.length - last.length).endsWith("(")
    ? startingWith(last, entity.columns.map(({ name }) => name))
    : startingWith(last, functions.map((name) => `${name}(`))
}

const ofKey = (key: string, value: string, entity: Entity | undefined, catalog: Catalog): Completion => {
  switch (key) {
    case "in":
      return startingWith(lastOf(value), catalog.spellings)
    case "time":
    case "timeframe":
      return startingWith(value, times)
    case "bucket":
    case "downsample":
      return startingWith(value, buckets)
    case "agg":
      return startingWith(value, aggregates)
    default:
  }
  if (entity === undefined) return { replaced: value, candidates: [] }
  switch (key) {
    case "sort":
    case "order":
      return ofSort(value, entity)
    case "stats":
      return ofStats(value.replace(/^"/, ""), entity)
    case "rollup_stats":
      return startingWith(value, entity.rollups.keys())
    case "series":
      return startingWith(value, entity.metric?.series ?? [])
    case "value_field":
    case "value-field":
      return startingWith(value, entity.metric?.values ?? [])
    default: {
      const isYesOrNo = key === "latest" || entity.document?.switches.has(key) === true ||
        ["bool", "flag"].includes(entity.fields.get(key)?.class ?? "")
      return isYesOrNo ? startingWith(value, ["true", "false"]) : { replaced: value, candidates: [] }
    }
  }
}

/** A value that somebody is typing, of which only the database knows what there is. */
export interface WantedValues {
  /** Without the quote that it may begin with. */
  readonly replaced: string
  /** Answers what there is of the last hour, each with the key `value`, the most frequent first. */
  readonly question: string
  /** The key of the value in its rows. */
  readonly key: string
}

/** So many of the most frequent are worth a choice. */
const valuesMax = 200

/** None where values are as many as rows, and where they can be known without asking. */
export const valuesWanted = (text: string, catalog: Catalog): WantedValues | undefined => {
  const [, key = "", quoted, plain] = /(?:^|\s)!?([\w.]+):(?:"([^"]*)|([^\s"]*))$/.exec(text) ?? []
  const entity = entityOf(text, catalog)
  const group = entity?.fields.has(key.toLowerCase()) === true ? entity.groups.get(key.toLowerCase()) : undefined
  const replaced = quoted ?? plain
  if (entity === undefined || group === undefined || replaced === undefined) return undefined
  const time = entity.time === null || entity.isInventory ? "" : " time:last_1h"
  return {
    replaced: lastOf(replaced).replace(/^\(/, ""),
    key: group.key,
    question: `in:${entity.name}${time} stats:"count() as n by ${key.toLowerCase()}" limit:${valuesMax}`
  }
}

/** As a filter has it: in quotes where it would not be one word, or more than itself. */
const asWord = (value: string): string => /^[\w./@+-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, "\\$&")}"`

/** With the rows that were answered. A value in quotes, once begun, ends with one. */
export const ofValues = ({ replaced }: WantedValues, values: Iterable<string>, text: string): Completion => {
  const isQuoted = text.slice(0, text.length - replaced.length).endsWith("\"")
  const found = [...new Set(values)].filter((value) =>
    value !== "" && value.toLowerCase().startsWith(replaced.toLowerCase()) && !value.includes("%")
  )
  return {
    replaced,
    candidates: found.map((value) => isQuoted ? `${value.replaceAll(/["\\]/g, "\\$&")}"` : asWord(value))
  }
}

/** `text` ends where its writer is. */
export const complete = (text: string, catalog: Catalog): Completion => {
  const entity = entityOf(text, catalog)
  const quoted = /(?:^|\s)stats:"([^"]*)$/i.exec(text)?.[1]
  if (quoted !== undefined) return ofKey("stats", quoted, entity, catalog)
  const word = /\S*$/.exec(text)?.[0] ?? ""
  const colon = word.indexOf(":")
  return colon < 0
    ? afterNothing(word, entity)
    : ofKey(word.slice(0, colon).replace(/^!/, "").toLowerCase(), word.slice(colon + 1), entity, catalog)
}
