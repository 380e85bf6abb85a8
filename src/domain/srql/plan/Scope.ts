/** Which rows of an entity a query means: its tenant's, in its time range, that pass its filters. */
import { Result } from "effect"
import { and, type Bind, bind, empty, type Sql, sql } from "../../sql/Sql.ts"
import { refusal } from "../catalog/Concealment.ts"
import type { Asking, Column, Entity, Field } from "../catalog/Entity.ts"
import { keys } from "../language/Controls.ts"
import type { Filter, Query } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import * as TimeRange from "../language/TimeRange.ts"
import * as Predicates from "./Predicates.ts"

export interface PlanContext extends Asking {
  /** Whose rows; null where a database holds those of one only. */
  readonly tenant: string | null
  /** The request's own, which wins over the query's. */
  readonly limit?: number
  /** Of limits; none when absent. */
  readonly limitMax?: number
  /**
   * Whether what is equal in a query's order has one too, so that pages by offset are those of one order. What is translated for others
   * to ask is as the original has it.
   */
  readonly isSettled?: boolean
  /** Only rows that were stored since then, the oldest first, and up to now, whenever that is. RFC 3339. */
  readonly since?: string
}

const documentKey = /^[a-z0-9_-]{1,64}$/

/** `metadata.KEY`; the key is a value as any other. */
const inDocument = (entity: Entity, filter: Filter): Answer<Field> | undefined => {
  const dot = filter.field.indexOf(".")
  const of = filter.field.slice(0, dot)
  const document = dot < 0 ? undefined : entity.documents.get(of)
  if (document === undefined) return undefined
  const key = filter.field.slice(dot + 1)
  return documentKey.test(key)
    ? Result.succeed({
      name: filter.field,
      aliases: [],
      class: "json",
      type: "text",
      sql: sql`(${document}->>${bind("text", key)}::text)`
    })
    : refuse({
      at: filter.key,
      detail: `invalid ${of} key`,
      found: key,
      expected: "1 to 64 letters, digits, _ and -"
    })
}

/** Entities of which the original names only the field. */
const withoutName = new Set(["devices", "interfaces", "trace_summaries"])

/** Of a device by either name, the original speaks of this one, but for agents and devices. */
const calledOf = (field: string, what: string): string =>
  field === "uid" && what !== "agents" && what !== "devices" ? "device_id" : field

export const unknownField = (entity: Entity, filter: Filter, fields: ReadonlyMap<string, Field>, what = entity.name) =>
  refuse({
    at: filter.key,
    detail: withoutName.has(what)
      ? `unsupported filter field '${calledOf(filter.field, what)}'`
      : `unsupported filter field for ${what}: '${calledOf(filter.field, what)}'`,
    found: filter.field,
    expected: `a field of ${entity.name}`,
    known: [...fields.keys(), ...(entity.latest === null ? [] : ["latest"]), ...keys]
  })

export const fieldOf = (entity: Entity, filter: Filter): Answer<Field> => {
  const field = entity.fields.get(filter.field)
  if (field !== undefined) return Result.succeed(field)
  return inDocument(entity, filter) ?? refusal(entity, filter.field, filter.key) ??
    unknownField(entity, filter, entity.fields)
}

const isLatest = ({ field }: Filter): boolean => field === "latest"

/** `latest:true`, where there is such a thing. */
export const wantsLatest = (entity: Entity, query: Query): Answer<boolean> => {
  let wanted = false
  for (const filter of entity.latest === null ? [] : query.filters.filter(isLatest)) {
    const value = typeof filter.value === "string" && filter.op === "eq" ? filter.value.toLowerCase() : ""
    if (value !== "true" && value !== "false") {
      return refuse({
        at: filter.at,
        detail: "latest filter only supports equality",
        found: [filter.value].flat().join(","),
        expected: "true or false"
      })
    }
    wanted = value === "true"
  }
  return Result.succeed(wanted)
}

export const timeOf = (query: Query, { nowMillis }: PlanContext): Answer<TimeRange.TimeRange | null> =>
  query.time === null ? Result.succeed(null) : TimeRange.resolve(query.time, nowMillis, query.timeAt)

const edges = new WeakMap<Bind, keyof TimeRange.TimeRange>()

const edge = (range: TimeRange.TimeRange, end: keyof TimeRange.TimeRange): Bind => {
  const made = bind("timestamptz", range[end])
  edges.set(made, end)
  return made
}

/** Which end of the query's time range a bind of its statement is, if it is one. */
export const edgeOf = (bind: Bind): keyof TimeRange.TimeRange | undefined => edges.get(bind)

export const within = (column: Sql, range: TimeRange.TimeRange, isClosed = true): Sql => {
  const [from, to] = [edge(range, "start"), edge(range, "end")]
  return isClosed ? sql`${column} >= ${from} AND ${column} <= ${to}` : sql`${column} >= ${from} AND ${column} < ${to}`
}

const openEnded = new Set(["relative_minutes", "relative_hours", "relative_days", "today", "absolute_open_end"])

/** The end that a query means is now: rows of a later now belong to it too where it goes on. */
const during = (column: Sql, range: TimeRange.TimeRange, query: Query, { since }: PlanContext): Sql =>
  since !== undefined && openEnded.has(query.time?.type ?? "")
    ? sql`${column} >= ${edge(range, "start")}`
    : within(column, range)

/** When a row was stored, where that is known. */
export const storedAt = (entity: Entity): Column | undefined => entity.columns.find(({ name }) => name === "created_at")

const storedSince = (entity: Entity, query: Query, { since }: PlanContext): Answer<ReadonlyArray<Sql>> => {
  if (since === undefined) return Result.succeed([])
  const stored = storedAt(entity)
  return stored === undefined
    ? refuse({
      at: query.entityAt,
      detail: `live queries are not supported for ${entity.name}`,
      found: entity.name,
      expected: "an entity whose rows say when they were stored, logs for example"
    })
    : Result.succeed([sql`${stored.sql} >= ${bind("timestamptz", since)}`])
}

const tenantOf = (entity: Entity, { tenant }: PlanContext): ReadonlyArray<Sql> =>
  entity.tenant === null || tenant === null ? [] : [sql`${entity.tenant} = ${bind("text", tenant)}`]

/** ` WHERE …`, or nothing. */
export const where = (predicates: ReadonlyArray<Sql>): Sql => {
  const said = predicates.filter((predicate) => predicate !== empty)
  return said.length === 0 ? empty : sql` WHERE ${and(said)}`
}

/** ` FROM … WHERE …`. */
export const scope = (
  entity: Entity,
  query: Query,
  context: PlanContext,
  { also = [], keepsNulls = false }: { readonly also?: ReadonlyArray<Sql>; readonly keepsNulls?: boolean } = {}
): Answer<Sql> =>
  Result.gen(function*() {
    const range = yield* timeOf(query, context)
    const refused = range === null ? undefined : refusal(entity, "time", query.timeAt)
    if (refused !== undefined) return yield* refused
    const predicates = [...tenantOf(entity, context), ...(entity.always === null ? [] : [entity.always]), ...also]
    if (range !== null && entity.time !== null) predicates.push(during(entity.time, range, query, context))
    predicates.push(...(yield* storedSince(entity, query, context)))
    for (const filter of query.filters) {
      if (entity.latest !== null && isLatest(filter)) continue
      const field = yield* fieldOf(entity, filter)
      predicates.push(yield* Predicates.of({ field, filter, keepsNulls }))
    }
    return sql` FROM ${context.tenant === null ? entity.from : entity.fromOfTenant}${where(predicates)}`
  })

/** At least 1: the request's limit, else the query's, else 100. */
export const limitOf = (query: Query, { limit, limitMax }: PlanContext): number => {
  const wanted = Math.max(1, Math.floor(limit ?? query.limit ?? 100))
  return limitMax === undefined || limitMax <= 0 ? wanted : Math.min(wanted, limitMax)
}
