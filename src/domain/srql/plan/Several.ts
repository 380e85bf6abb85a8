/**
 * `in:a,b`: rows of several entities in one order, each with its `entity`, whatever else they are made of. An addition of this
 * implementation.
 *
 * Filters hold for all of them, so each has to know their fields; they are sorted by their times, or by a field that all of them
 * can be sorted by.
 */
import { Result } from "effect"
import { bind, empty, join, list, type Sql, sql } from "../../sql/Sql.ts"
import { refusal } from "../catalog/Concealment.ts"
import type { Column, Entity } from "../catalog/Entity.ts"
import type { Cursor } from "../language/Cursor.ts"
import type { Direction, Query } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import type { Draft } from "./Plan.ts"
import * as Rows from "./Rows.ts"
import * as Scope from "./Scope.ts"

interface Sorted {
  readonly sql: Sql
  readonly type: Column["type"]
}

interface Order {
  readonly direction: Direction
  /** Of each entity. */
  readonly by: ReadonlyArray<Sorted>
}

const timesOf = (entities: ReadonlyArray<Entity>, query: Query): Answer<Order> => {
  const by: Array<Sorted> = []
  for (const { name, time } of entities) {
    if (time === null) {
      return refuse({
        at: query.entityAt,
        detail: `${name} cannot be asked for together with others`,
        found: name,
        expected: "entities that have a time, or a sort: that all of them know"
      })
    }
    by.push({ sql: time, type: "timestamptz" })
  }
  return Result.succeed({ direction: "desc", by })
}

const orderOf = (entities: ReadonlyArray<Entity>, query: Query): Answer<Order> => {
  const [sort] = query.order
  if (sort === undefined) return timesOf(entities, query)
  const { at, direction, field } = sort
  for (const entity of entities) {
    const refused = refusal(entity, field, at)
    if (refused !== undefined) return refused
  }
  const by = entities.flatMap(({ sorts }): ReadonlyArray<Sorted> => {
    const column = sorts.get(field)
    return column === undefined ? [] : [column]
  })
  if (by.length === entities.length && new Set(by.map(({ type }) => type)).size === 1) {
    return Result.succeed({ direction, by })
  }
  if (field === "time") return Result.map(timesOf(entities, query), ({ by }) => ({ direction, by }))
  return refuse({
    at,
    detail: `${query.entities.join(",")} cannot all be sorted by '${field}'`,
    found: field,
    expected: "time, or a sort field of all of them",
    known: ["time", ...entities[0]?.sorts.keys() ?? []].filter((one) =>
      one === "time" || entities.every(({ sorts }) => sorts.has(one))
    )
  })
}

const whole = ({ downsample, filters, rollup, stats }: Query): Answer<void> => {
  const other = stats ?? rollup ?? downsample ?? filters.find(({ field }) => field === "latest")
  return other === undefined ? Result.succeed(undefined) : refuse({
    at: other.at,
    detail: "several entities answer rows only",
    found: stats !== null ? "stats" : rollup !== null ? "rollup_stats" : downsample !== null ? "bucket" : "latest",
    expected: "one entity, or filters only"
  })
}

/** As `RowText` writes a value of the web. */
const written = ({ identifier, type }: Column): Sql =>
  type === "timestamptz"
    ? sql`CASE WHEN isfinite(${identifier}) THEN to_char(${identifier} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      ELSE ${identifier}::text END AS ${identifier}`
    : type === "numeric"
    ? sql`${identifier}::text AS ${identifier}`
    : identifier

const directions = { asc: sql`ASC`, desc: sql`DESC` } as const

export const plan = (
  entities: readonly [Entity, ...ReadonlyArray<Entity>],
  query: Query,
  context: Scope.PlanContext,
  cursor: Cursor
): Answer<Draft> =>
  Result.gen(function*() {
    yield* whole(query)
    if (cursor._tag === "Keyset" || context.since !== undefined) {
      return yield* refuse({
        at: query.entityAt,
        detail: "several entities have neither keyset cursors nor live rows",
        found: query.entities.join(","),
        expected: "one entity"
      })
    }
    const order = yield* orderOf(entities, query)
    const direction = directions[order.direction]
    const limit = Scope.limitOf(query, context)
    const parts: Array<Sql> = []
    for (const [at, entity] of entities.entries()) {
      const scope = yield* Scope.scope(entity, query, context)
      const by = order.by[at]?.sql ?? sql`NULL`
      const columns = Rows.columnsOf(entity)
      const equals = join(Rows.settled(entity, []).map(([{ identifier }]) => sql`, ${identifier}`), empty)
      const names = list(entity.columns.map(written))
      parts.push(
        sql`(SELECT row_to_json(written) AS row, page.sort_key, ${
          bind("int", at)
        }::int AS entity_number FROM (SELECT ${columns}, ${by} AS sort_key${scope} ORDER BY ${by} ${direction}${equals} LIMIT ${
          bind("int", limit + cursor.offset)
        }) AS page CROSS JOIN LATERAL (SELECT ${bind("text", entity.name)}::text AS entity, ${names}) AS written)`
      )
    }
    return {
      statement: sql`SELECT row FROM (${
        join(parts, sql` UNION ALL `)
      }) AS several ORDER BY sort_key ${direction}, entity_number, row::text LIMIT ${bind("int", limit)} OFFSET ${
        bind("int", cursor.offset)
      }`,
      shape: { kind: "mixed" }
    }
  })
