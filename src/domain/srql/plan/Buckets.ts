/** `bucket:`: a metric over time, aggregated in buckets that begin at multiples of their length since 1970. */
import { Result } from "effect"
import { bind, empty, type Sql, sql } from "../../sql/Sql.ts"
import { refusal } from "../catalog/Concealment.ts"
import type { Entity } from "../catalog/Entity.ts"
import type { Aggregate, Downsample, Query } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import type { Draft } from "./Plan.ts"
import * as Scope from "./Scope.ts"

const aggregates: Readonly<Record<Exclude<Aggregate, "rate">, (value: Sql) => Sql>> = {
  avg: (value) => sql`AVG(${value})`,
  min: (value) => sql`MIN(${value})`,
  max: (value) => sql`MAX(${value})`,
  sum: (value) => sql`SUM(${value})`,
  count: () => sql`COUNT(*)::double precision`
}

const startOf = (time: Sql, seconds: number): Sql => {
  const size = bind("int", seconds)
  return sql`to_timestamp(floor(extract(epoch from ${time}) / ${size}::bigint) * ${size}::bigint) AT TIME ZONE 'UTC'`
}

const fieldOf = (
  entity: Entity,
  asked: string,
  allowed: ReadonlyArray<string>,
  what: string,
  at: Downsample["at"]
): Answer<Sql> => {
  const name = entity.fields.get(asked)?.name ?? asked
  const column = allowed.includes(name) ? entity.columns.find((one) => one.name === name) : undefined
  return column === undefined
    ? refusal(entity, asked, at) ?? refuse({
      at,
      detail: `unsupported ${what} '${asked}'`,
      found: asked,
      expected: `one of ${allowed.join(", ")}`,
      known: allowed
    })
    : Result.succeed(column.sql)
}

/** The change per second since the row before of the same series; resets and rows of one moment have none. */
const rates = (time: Sql, series: Sql, value: Sql, from: Sql): Sql =>
  sql`WITH o AS (SELECT ${time} AS at, ${series} AS series, ${value} AS value, LAG(${value}) OVER w AS pv, LAG(${time}) OVER w AS pt${from} WINDOW w AS (PARTITION BY ${series} ORDER BY ${time})), r AS (SELECT at, series, CASE WHEN value < pv THEN NULL ELSE (value - pv) / NULLIF(EXTRACT(EPOCH FROM (at - pt)), 0) END AS rate FROM o WHERE pv IS NOT NULL)`

export const plan = (
  entity: Entity,
  query: Query,
  { agg, at, bucketSeconds, series: split, valueField }: Downsample,
  context: Scope.PlanContext,
  offset: number
): Answer<Draft> =>
  Result.gen(function*() {
    const { metric, time } = entity
    const [usual] = metric?.values ?? []
    if (metric === null || time === null || usual === undefined) {
      return yield* refuse({
        at,
        detail: "downsample is only supported for metric entities",
        found: entity.name,
        expected: "a metric entity, cpu_metrics for example"
      })
    }
    if (query.time === null) {
      return yield* refuse({
        at,
        detail: "downsample queries require time:<range>",
        found: "no time",
        expected: "time:last_24h, for example"
      })
    }
    const value = yield* fieldOf(entity, valueField ?? usual, metric.values, "value_field", at)
    const series = split === null ? null : yield* fieldOf(entity, split, metric.series, "series", at)
    const name = series === null ? sql`NULL::text` : sql`coalesce(${series}::text, '')`
    const from = yield* Scope.scope(entity, query, context)
    const equals = context.isSettled === true ? sql`, 2 ASC` : empty
    const page = sql`GROUP BY 1, 2 ORDER BY 1 ASC${equals} LIMIT ${bind("int", Scope.limitOf(query, context))} OFFSET ${
      bind("int", offset)
    }`
    const statement = agg === "rate"
      ? sql`${rates(time, name, value, from)} SELECT ${
        startOf(sql`at`, bucketSeconds)
      } AS timestamp, series, AVG(rate) AS value FROM r WHERE rate IS NOT NULL ${page}`
      : sql`SELECT ${startOf(time, bucketSeconds)} AS timestamp, ${name} AS series, ${
        aggregates[agg](value)
      } AS value${from} ${page}`
    return { statement, shape: { kind: "buckets" } }
  })
