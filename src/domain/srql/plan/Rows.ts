/** Plain rows: columns, order, and the page by offset or after a row. */
import { Option, Result } from "effect"
import { nearest } from "../../config/Suggestion.ts"
import { and, bind, compact, empty, join, list, type Sql, sql } from "../../sql/Sql.ts"
import { refusal } from "../catalog/Concealment.ts"
import type { Column, Entity } from "../catalog/Entity.ts"
import type { Cursor } from "../language/Cursor.ts"
import type { Direction, Query } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import type { Draft } from "./Plan.ts"
import * as Scope from "./Scope.ts"

type Sorted = readonly [Column, Direction]

/** Unknown fields are skipped, and said, but not those that are hidden; without a known one the entity's own order stands. */
const orderOf = (
  entity: Entity,
  query: Query
): Answer<{ readonly order: ReadonlyArray<Sorted>; readonly warnings: Array<string> }> => {
  const warnings: Array<string> = []
  const order: Array<Sorted> = []
  for (const { at, direction, field } of query.order) {
    const refused = refusal(entity, field, at)
    if (refused !== undefined) return refused
    const column = entity.sorts.get(field)
    if (column !== undefined) order.push([column, direction])
    else {
      const meant = Option.match(nearest(field, entity.sorts.keys()), {
        onNone: () => "",
        onSome: (word) => `; did you mean ${word}?`
      })
      warnings.push(`${entity.name} cannot be sorted by '${field}'${meant}`)
    }
  }
  return Result.succeed({ order: order.length > 0 ? order : entity.order, warnings })
}

const directions = { asc: sql`ASC`, desc: sql`DESC` } as const

const orderBy = (order: ReadonlyArray<Sorted>): Sql =>
  order.length === 0
    ? empty
    : sql` ORDER BY ${list(order.map(([column, direction]) => sql`${column.identifier} ${directions[direction]}`))}`

const casts = {
  text: sql`text`,
  text_array: sql`text[]`,
  bool: sql`boolean`,
  int4: sql`integer`,
  int8: sql`bigint`,
  float4: sql`real`,
  float8: sql`double precision`,
  numeric: sql`numeric`,
  timestamptz: sql`timestamptz`,
  jsonb: sql`jsonb`,
  uuid: sql`uuid`
} as const

/** Nulls are the last of ascending columns and the first of descending ones. */
const beyond = ([column, direction]: Sorted, value: string | null): Sql => {
  const { identifier, type } = column
  if (value === null) return direction === "asc" ? sql`FALSE` : sql`${identifier} IS NOT NULL`
  const given = sql`${bind("text", value)}::text::${casts[type]}`
  return direction === "asc" ? sql`(${identifier} > ${given} OR ${identifier} IS NULL)` : sql`${identifier} < ${given}`
}

const same = ([{ identifier, type }]: Sorted, value: string | null): Sql =>
  value === null ? sql`${identifier} IS NULL` : sql`${identifier} = ${bind("text", value)}::text::${casts[type]}`

const after = (order: ReadonlyArray<Sorted>, values: ReadonlyArray<string | null>): Sql =>
  sql` WHERE (${
    join(
      order.map((sorted, at) =>
        sql`(${
          and([
            ...order.slice(0, at).map((before, index) => same(before, values[index] ?? null)),
            beyond(sorted, values[at] ?? null)
          ])
        })`
      ),
      sql` OR `
    )
  })`

const orderText = (order: ReadonlyArray<Sorted>): string =>
  order.map(([{ name }, direction]) => `${name} ${direction}`).join(", ")

const without = (order: ReadonlyArray<Sorted>, columns: ReadonlyArray<Column>): ReadonlyArray<Column> =>
  columns.filter((column) => !order.some(([{ name }]) => name === column.name))

const ascending = (columns: ReadonlyArray<Column>): ReadonlyArray<Sorted> =>
  columns.map((column) => [column, "asc"] as const)

/** By a whole row those are told apart that have the same key: those of two tenants, or what was stored twice. */
const rowColumn: Column = {
  name: "_row",
  type: "text",
  sql: sql`_row`,
  identifier: sql`_row`,
  isExpression: true
}

/** No two rows are equal in it, but those that are the same in every column of the table. */
const total = (entity: Entity, order: ReadonlyArray<Sorted>): ReadonlyArray<Sorted> => [
  ...order,
  ...ascending(without(order, entity.key)),
  ...(entity.wholeRow === null ? [] : ascending([rowColumn]))
]

const comparable: ReadonlySet<Column["type"]> = new Set([
  "text",
  "bool",
  "int4",
  "int8",
  "float4",
  "float8",
  "numeric",
  "timestamptz",
  "uuid"
])

/**
 * With the key and what else rows show, so that pages by offset are those of one order: rows that are equal in it look the same.
 * Columns cost nothing until they have to decide, a digest of the row would cost much for each.
 */
export const settled = (entity: Entity, order: ReadonlyArray<Sorted>): ReadonlyArray<Sorted> => {
  const keyed = [...order, ...ascending(without(order, entity.key.filter((key) => isShown(entity, key))))]
  const others = entity.wholeRow === null ? [] : entity.columns.filter(({ type }) => comparable.has(type))
  return [...keyed, ...ascending(without(keyed, others))]
}

const isShown = (entity: Entity, { name }: Column): boolean => entity.columns.some((column) => column.name === name)

export interface Page {
  readonly cursor: Cursor
  /** Whether rows carry `_cursor`, an array of their sort values as texts. */
  readonly withKeyset: boolean
}

const written = new WeakMap<ReadonlyArray<Column>, Sql>()

/** Each column under its name. */
export const columnsOf = ({ columns }: Entity): Sql => {
  const known = written.get(columns)
  if (known !== undefined) return known
  const made = compact(list(
    columns.map((column) => column.isExpression ? sql`${column.sql} AS ${column.identifier}` : column.identifier)
  ))
  written.set(columns, made)
  return made
}

/** With what of the key is no part of a row, where a cursor needs it. */
const source = (entity: Entity, scope: Sql, isLatest: boolean, hidden: ReadonlyArray<Sql>): Sql => {
  const columns = list([columnsOf(entity), ...hidden])
  return entity.latest !== null && isLatest
    ? sql`SELECT DISTINCT ON (${list(entity.latest.of)}) ${columns}${scope} ORDER BY ${
      list(entity.latest.of)
    }, ${entity.latest.newest}`
    : sql`SELECT ${columns}${scope}`
}

const keysetValue = (order: ReadonlyArray<Sorted>): Sql =>
  sql`jsonb_build_array(${list(order.map(([{ identifier }]) => sql`${identifier}::text`))}) AS _cursor`

export const plan = (
  entity: Entity,
  query: Query,
  context: Scope.PlanContext,
  { cursor, withKeyset }: Page
): Answer<Draft> =>
  Result.gen(function*() {
    const isLatest = yield* Scope.wantsLatest(entity, query)
    const scope = yield* Scope.scope(entity, query, context)
    const { order: sorted, warnings } = yield* orderOf(entity, query)
    const stored = context.since === undefined ? undefined : Scope.storedAt(entity)
    const asked: ReadonlyArray<Sorted> = stored === undefined ? sorted : [[stored, "asc"]]
    const isKeyset = withKeyset || cursor._tag === "Keyset"
    const order = isKeyset ? total(entity, asked) : context.isSettled === true ? settled(entity, asked) : asked
    if (cursor._tag === "Keyset" && (cursor.order !== orderText(order) || cursor.after.length !== order.length)) {
      return yield* refuse({
        at: { start: 0, end: 0 },
        detail: "invalid cursor payload",
        found: cursor.order,
        expected: `a cursor for ${orderText(order)}`
      })
    }
    const hidden = [
      ...entity.key.filter((key) => !isShown(entity, key)).map(({ identifier }) => identifier),
      ...(entity.wholeRow === null ? [] : [sql`md5(${entity.wholeRow}::text) AS _row`])
    ]
    const rows = source(entity, scope, isLatest, isKeyset ? hidden : [])
    const seen = list(entity.columns.map(({ identifier }) => identifier))
    const from = cursor._tag === "Keyset"
      ? sql`SELECT ${seen}, ${keysetValue(order)} FROM (${rows}) AS page${after(order, cursor.after)}`
      : isKeyset
      ? sql`SELECT ${seen}, ${keysetValue(order)} FROM (${rows}) AS page`
      : isLatest
      ? sql`SELECT * FROM (${rows}) AS latest`
      : rows
    const limit = bind("int", Scope.limitOf(query, context))
    const offset = bind("int", cursor._tag === "Offset" ? cursor.offset : 0)
    return {
      statement: sql`${from}${orderBy(order)} LIMIT ${limit} OFFSET ${offset}`,
      shape: { kind: "rows", columns: entity.columns },
      order: isKeyset ? orderText(order) : "",
      warnings
    }
  })
