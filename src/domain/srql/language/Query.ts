/** A query as a tree, and that tree as the JSON of the original's `parse_ast`. */
import type { Span } from "./SrqlError.ts"

export type Operator = "eq" | "not_eq" | "like" | "not_like" | "in" | "not_in" | "gt" | "gte" | "lt" | "lte"

export interface Filter {
  readonly field: string
  readonly op: Operator
  /** Several for `in` and `not_in`, one for all others. */
  readonly value: string | ReadonlyArray<string>
  /** Where the key and the value stand. */
  readonly key: Span
  readonly at: Span
}

export type Direction = "asc" | "desc"

export interface Order {
  readonly field: string
  readonly direction: Direction
  readonly at: Span
}

/** `[start, end]` in RFC 3339, UTC. */
export type TimeFilter =
  | { readonly type: "relative_minutes" | "relative_hours" | "relative_days"; readonly value: number }
  | { readonly type: "today" | "yesterday" }
  | { readonly type: "absolute"; readonly value: { readonly start: string; readonly end: string } }
  | { readonly type: "absolute_open_end"; readonly value: { readonly start: string } }
  | { readonly type: "absolute_open_start"; readonly value: { readonly end: string } }

export const aggregates = ["avg", "min", "max", "sum", "count", "rate"] as const
export type Aggregate = typeof aggregates[number]

export interface Downsample {
  readonly bucketSeconds: number
  readonly agg: Aggregate
  readonly series: string | null
  readonly valueField: string | null
  readonly at: Span
}

export type Comparison = "eq" | "not_eq" | "gt" | "gte" | "lt" | "lte"

/** Of the answer to `stats`, by the alias: an addition of this implementation. */
export interface Having {
  readonly alias: string
  readonly op: Comparison
  /** A decimal number as it was written. */
  readonly value: string
  readonly at: Span
}

/** A word that stands in a query without effect, as a later one of its key has another value: the last one holds. */
export interface Overridden {
  readonly key: string
  readonly value: string
  /** Of its value. */
  readonly at: Span
}

export interface Query {
  /** The catalog's names. More than one is an addition of this implementation. */
  readonly entities: readonly [string, ...ReadonlyArray<string>]
  readonly entityAt: Span
  readonly filters: ReadonlyArray<Filter>
  readonly order: ReadonlyArray<Order>
  readonly limit: number | null
  readonly time: TimeFilter | null
  readonly timeAt: Span
  readonly stats: { readonly raw: string; readonly at: Span } | null
  readonly downsample: Downsample | null
  readonly rollup: { readonly type: string; readonly at: Span } | null
  readonly having: ReadonlyArray<Having>
  readonly overridden: ReadonlyArray<Overridden>
}

const known = /^(count|sum|avg|min|max)\s*\(\s*(\*|[a-z0-9_.]*)\s*\)\s+as\s+(.+)$/i

/** As the original lists them: only pieces with an alias, which swallows a trailing ` by x`. */
const aggregationsOf = (raw: string) =>
  raw.split(",").flatMap((piece) => {
    const [, type, field, alias] = known.exec(piece.trim()) ?? []
    if (type === undefined || alias === undefined) return []
    return [{
      type: type.toLowerCase(),
      field: field === "" || field === "*" ? null : field ?? null,
      alias: alias.trim()
    }]
  })

/** Keys of the original; those of additions only where they are used. */
export const toJson = (query: Query) => ({
  entity: query.entities[0],
  filters: query.filters.map(({ field, op, value }) => ({ field, op, value })),
  order: query.order.map(({ direction, field }) => ({ field, direction })),
  limit: query.limit,
  time_filter: query.time,
  stats: query.stats === null ? null : { raw: query.stats.raw, aggregations: aggregationsOf(query.stats.raw) },
  downsample: query.downsample === null ? null : {
    bucket_seconds: query.downsample.bucketSeconds,
    agg: query.downsample.agg,
    series: query.downsample.series,
    value_field: query.downsample.valueField
  },
  rollup_stats: query.rollup === null ? null : query.rollup.type,
  ...(query.entities.length > 1 ? { entities: query.entities } : {}),
  ...(query.having.length > 0 ? { having: query.having.map(({ alias, op, value }) => ({ alias, op, value })) } : {})
})
