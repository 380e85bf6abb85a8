/** `stats:` and `having:`: one object, or one for each group. */
import { Result } from "effect"
import { and, bind, empty, list, type Sql, sql } from "../../sql/Sql.ts"
import { refusal } from "../catalog/Concealment.ts"
import type { Entity, Group } from "../catalog/Entity.ts"
import type { Comparison, Query } from "../language/Query.ts"
import { type Answer, refuse, type Span } from "../language/SrqlError.ts"
import * as Measures from "./Measures.ts"
import type { Draft } from "./Plan.ts"
import * as Scope from "./Scope.ts"

const signs: Readonly<Record<Comparison, Sql>> = {
  eq: sql`=`,
  not_eq: sql`<>`,
  gt: sql`>`,
  gte: sql`>=`,
  lt: sql`<`,
  lte: sql`<=`
}

/** Names of a payload are values as any other. */
const object = (entries: ReadonlyArray<readonly [string, Sql]>): Sql =>
  sql`jsonb_build_object(${list(entries.map(([key, value]) => sql`${bind("text", key)}::text, ${value}`))}) AS payload`

const groupsOf = (entity: Entity, names: ReadonlyArray<string>, at: Span): Answer<ReadonlyArray<Group>> => {
  const groups: Array<Group> = []
  for (const name of names) {
    const group = entity.groups.get(name)
    if (group === undefined) {
      return refusal(entity, name, at) ?? refuse({
        at,
        detail: `unsupported stats group field '${name}'`,
        found: name,
        expected: `one of ${[...entity.groups.keys()].join(", ") || "none"}`,
        known: entity.groups.keys()
      })
    }
    if (!groups.some(({ key }) => key === group.key)) groups.push(group)
  }
  return Result.succeed(groups)
}

const having = (query: Query, measures: ReadonlyArray<Measures.Measure>): Answer<Sql> => {
  const conditions: Array<Sql> = []
  for (const { alias, at, op, value } of query.having) {
    const measure = measures.find((one) => one.alias === alias)
    if (measure === undefined) {
      return refuse({
        at,
        detail: `unknown having alias '${alias}'`,
        found: alias,
        expected: "an alias of stats",
        known: measures.map((one) => one.alias)
      })
    }
    if (!measure.isNumber) {
      return refuse({
        at,
        detail: `having alias '${alias}' is no number`,
        found: alias,
        expected: "a count, a sum or another number of stats"
      })
    }
    conditions.push(sql`${measure.sql} ${signs[op]} ${bind("text", value)}::text::numeric`)
  }
  return Result.succeed(conditions.length === 0 ? empty : sql` HAVING ${and(conditions)}`)
}

/** What a sort field means in an answer to `stats:`. */
const sortedBy = (
  field: string,
  measures: ReadonlyArray<Measures.Measure>,
  groups: ReadonlyArray<Group>,
  entity: Entity
): Sql | undefined => {
  const measure = measures.find(({ alias }) => alias === field) ?? (field === "count" ? measures[0] : undefined)
  return measure?.sql ?? groups.find(({ key }) => key === (entity.groups.get(field)?.key ?? field))?.sql
}

/** The first known sort field decides; the first measure, biggest first, where there is none. Groups decide between equals. */
const orderBy = (
  query: Query,
  measures: ReadonlyArray<Measures.Measure>,
  groups: ReadonlyArray<Group>,
  entity: Entity,
  { isSettled }: Scope.PlanContext
): { readonly order: Sql; readonly warnings: ReadonlyArray<string> } => {
  const [first] = measures
  const others = isSettled === true ? sql`, ${list(groups.map(({ sql }) => sql))}` : empty
  const known = query.order.map(({ direction, field }) => ({
    field,
    by: sortedBy(field, measures, groups, entity),
    direction: direction === "asc" ? sql`ASC` : sql`DESC`
  }))
  const warnings = known.flatMap(({ by, field }) =>
    by === undefined ? [`stats of ${entity.name} cannot be sorted by '${field}'`] : []
  )
  const found = known.find(({ by }) => by !== undefined)
  if (found?.by !== undefined) return { warnings, order: sql` ORDER BY ${found.by} ${found.direction}${others}` }
  return { warnings, order: first === undefined ? empty : sql` ORDER BY ${first.sql} DESC${others}` }
}

const source = (entity: Entity, scope: Sql, isLatest: boolean): Sql => {
  if (entity.latest === null || !isLatest) return scope
  const of = list(entity.latest.of)
  return sql` FROM (SELECT DISTINCT ON (${of}) 1${scope} ORDER BY ${of}, ${entity.latest.newest}) AS latest`
}

export const plan = (
  entity: Entity,
  query: Query,
  raw: { readonly raw: string; readonly at: Span },
  context: Scope.PlanContext,
  offset: number
): Answer<Draft> =>
  Result.gen(function*() {
    const { by, measures } = yield* Measures.read(entity, raw.raw, raw.at)
    const groups = yield* groupsOf(entity, by, raw.at)
    const twice = measures.find(({ alias }) => groups.some(({ key }) => key === alias))
    if (twice !== undefined) {
      return yield* refuse({
        at: raw.at,
        detail: `stats alias '${twice.alias}' is what it is grouped by`,
        found: twice.alias,
        expected: "another alias"
      })
    }
    const isLatest = yield* Scope.wantsLatest(entity, query)
    if (isLatest && (groups.length > 0 || measures.some(({ isCount }) => !isCount))) {
      return yield* refuse({
        at: raw.at,
        detail: "latest:true can only be counted, and without by",
        found: raw.raw,
        expected: "count() without by"
      })
    }
    const isGrouped = groups.length > 0
    const scope = yield* Scope.scope(entity, query, context, { keepsNulls: isGrouped && entity.isInventory })
    const from = source(entity, scope, isLatest)
    const conditions = yield* having(query, measures)
    const [first] = measures
    if (!isGrouped && first !== undefined && measures.length === 1 && first.isCount && entity.isInventory) {
      const statement = sql`SELECT coalesce(${first.sql}, 0) AS count${from}${conditions}`
      return { statement, shape: { kind: "count", alias: first.alias } }
    }
    const payload = object([
      ...groups.map((group) => [group.key, group.sql] as const),
      ...measures.map(({ alias, sql }) => [alias, sql] as const)
    ])
    if (!isGrouped) return { statement: sql`SELECT ${payload}${from}${conditions}`, shape: { kind: "payload" } }
    const wanted = Scope.limitOf(query, context)
    const limit = bind("int", entity.isInventory && wanted > 100 ? 20 : wanted)
    const grouping = list(groups.map(({ sql }) => sql))
    const { order, warnings } = orderBy(query, measures, groups, entity, context)
    return {
      statement: sql`SELECT ${payload}${from} GROUP BY ${grouping}${conditions}${order} LIMIT ${limit} OFFSET ${
        bind("int", offset)
      }`,
      shape: { kind: "payload" },
      warnings
    }
  })
