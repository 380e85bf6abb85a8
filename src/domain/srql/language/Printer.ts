/**
 * A tree as canonical text, which parses to the same tree.
 *
 * Order: `in`, `time`, `bucket` and what belongs to it, filters, `stats`, `rollup_stats`, `having`, `sort`, `limit`.
 */
import type { Downsample, Filter, Having, Query, TimeFilter } from "./Query.ts"

const bare = /^[A-Za-z0-9_.:/@+=*#~-]+$/

/** `escaped` are the places that would mean something else. */
const quoted = (text: string, escaped: (char: string, at: number) => boolean = () => false): string =>
  `"${[...text].map((char, at) => char === "\"" || char === "\\" || escaped(char, at) ? `\\${char}` : char).join("")}"`

const word = (text: string): string => bare.test(text) ? text : quoted(text)

const opensComparison = (char: string, at: number): boolean => at === 0 && (char === ">" || char === "<")

/** A text that is no pattern and no comparison. */
const plain = (text: string): string =>
  bare.test(text) ? text : quoted(text, (char, at) => char === "%" || opensComparison(char, at))

/** What a pattern escapes is escaped in quotes, where a backslash is nothing else. */
const pattern = (value: string): string =>
  `"${value.replaceAll(/\\[%_\\]|[\\"]|^[<>]/g, (found) => found.length > 1 ? found : `\\${found}`)}"`

const signs = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const

const compared = (sign: string, text: string): string =>
  bare.test(text) && !text.startsWith("=")
    ? `${sign}${text}`
    : quoted(`${sign}${text}`, (char, at) => at === sign.length && char === "=")

const scalarOf = (value: Filter["value"]): string => typeof value === "string" ? value : value.join(",")

const filter = ({ field, op, value }: Filter): string => {
  switch (op) {
    case "eq":
      return `${field}:${plain(scalarOf(value))}`
    case "not_eq":
      return `!${field}:${plain(scalarOf(value))}`
    case "like":
      return `${field}:${pattern(scalarOf(value))}`
    case "not_like":
      return `!${field}:${pattern(scalarOf(value))}`
    case "in":
    case "not_in":
      return `${op === "in" ? "" : "!"}${field}:(${(typeof value === "string" ? [value] : value).map(word).join(",")})`
    default:
      return `${field}:${compared(signs[op], scalarOf(value))}`
  }
}

const time = (filter: TimeFilter): string => {
  switch (filter.type) {
    case "relative_minutes":
      return `last_${filter.value}m`
    case "relative_hours":
      return `last_${filter.value}h`
    case "relative_days":
      return `last_${filter.value}d`
    case "absolute":
      return `"[${filter.value.start},${filter.value.end}]"`
    case "absolute_open_end":
      return `"[${filter.value.start},]"`
    case "absolute_open_start":
      return `"[,${filter.value.end}]"`
    default:
      return filter.type
  }
}

const units = [["d", 86_400], ["h", 3600], ["m", 60]] as const

const duration = (seconds: number): string => {
  const unit = units.find(([, size]) => seconds % size === 0)
  return unit === undefined ? `${seconds}s` : `${seconds / unit[1]}${unit[0]}`
}

const downsample = ({ agg, bucketSeconds, series, valueField }: Downsample): ReadonlyArray<string> => [
  `bucket:${duration(bucketSeconds)}`,
  `agg:${agg}`,
  ...(series === null ? [] : [`series:${word(series)}`]),
  ...(valueField === null ? [] : [`value_field:${word(valueField)}`])
]

const comparisons = { eq: "=", not_eq: "!=", ...signs } as const

const having = ({ alias, op, value }: Having): string => `having:"${alias}${comparisons[op]}${value}"`

const sort = (query: Query): ReadonlyArray<string> => {
  const text = query.order.map(({ direction, field }) => `${field}:${direction}`).join(",")
  return text === "" ? [] : [`sort:${/^[A-Za-z0-9_.:,-]+$/.test(text) ? text : quoted(text)}`]
}

export const print = (query: Query): string =>
  [
    `in:${query.entities.join(",")}`,
    ...(query.time === null ? [] : [`time:${time(query.time)}`]),
    ...(query.downsample === null ? [] : downsample(query.downsample)),
    ...query.filters.map(filter),
    ...(query.stats === null ? [] : [`stats:${quoted(query.stats.raw)}`]),
    ...(query.rollup === null ? [] : [`rollup_stats:${word(query.rollup.type)}`]),
    ...query.having.map(having),
    ...sort(query),
    ...(query.limit === null ? [] : [`limit:${query.limit}`])
  ].join(" ")
