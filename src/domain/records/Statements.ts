/**
 * The SQL of records: what is read, and what is written together with its audit entry and its event, which are either all
 * there or none.
 */
import { type DateTime, DateTime as Time } from "effect"
import { columnOf } from "../resource/Columns.ts"
import type { Answer, Kind } from "../resource/expression/Kind.ts"
import type { Node, Surroundings } from "../resource/expression/Node.ts"
import { simplify } from "../resource/expression/Simplify.ts"
import { valueSql, write } from "../resource/expression/Statement.ts"
import type { Definition } from "../resource/Resource.ts"
import { and, bind, compact, empty, list, name, type Sql, sql } from "../sql/Sql.ts"
import type { Sorting } from "./Order.ts"
import { changedNames, changesText, shownText, type Values } from "./Record.ts"
import { schema } from "./Schema.ts"

/** Beside the attributes, whose names hold no `~`. */
const version = sql`${name(schema)}.serviceradar_version(xmin) as "~version"`

const selections = new WeakMap<Definition, Sql>()

/** All of a record, under the names of its attributes. */
export const selection = (definition: Definition): Sql => {
  const { attributes } = definition
  const known = selections.get(definition) ?? compact(list([
    ...Object.keys(attributes).map((attribute) => sql`${columnOf(attributes, attribute)} as ${name(attribute)}`),
    version
  ]))
  selections.set(definition, known)
  return known
}

const conditionSql = ({ attributes }: Definition, node: Node, surroundings: Surroundings): Sql =>
  write(simplify(node, surroundings), { ...surroundings, column: (attribute) => columnOf(attributes, attribute) })

/** A record of this key, and of this tenant where there are several. */
export interface Identified {
  readonly key: Answer
  readonly tenant: Answer
}

const identified = ({ attributes, key, tenant }: Definition, one: Identified): Sql => {
  const equals = (attribute: string, value: Answer) =>
    sql`${columnOf(attributes, attribute)} = ${valueSql(value, attributes[attribute]?.kind ?? "text")}`
  return and([...(tenant === undefined ? [] : [equals(tenant, one.tenant)]), equals(key, one.key)])
}

/**
 * Whose rows the statement may see, `*` for those of all: said in the statement itself, before it looks at any row, so that
 * it needs no transaction of several.
 */
const placed = (setting: string): Sql =>
  sql`place as materialized (select set_config('serviceradar.tenant', ${bind("text", setting)}::text, true) as tenant)`

/** Known before anything is read: the planner asks for it once, in front of the rest. */
const isPlaced = sql`(select tenant from place) is not null`

/** Nobody else changes it until the transaction ends. */
export const locked = (definition: Definition, one: Identified, setting: string): Sql =>
  sql`with ${placed(setting)} select ${selection(definition)} from ${name(definition.table)} where ${isPlaced} and ${
    identified(definition, one)
  } for update`

export interface Selecting {
  readonly where: Node
  readonly order: ReadonlyArray<Sorting>
  readonly limit: number
  readonly offset: number
}

export const page = (
  definition: Definition,
  selecting: Selecting,
  surroundings: Surroundings,
  setting: string
): Sql => {
  const ordered = selecting.order.map(({ isDescending, of }) => {
    const by = conditionSql(definition, of, surroundings)
    const collated = of.kind === "text" ? sql`${by} collate "C"` : by
    return isDescending ? sql`${collated} desc` : collated
  })
  const skipped = selecting.offset === 0 ? empty : sql` offset ${bind("int", selecting.offset)}`
  const where = conditionSql(definition, selecting.where, surroundings)
  return sql`with ${placed(setting)} select ${selection(definition)} from ${
    name(definition.table)
  } where ${isPlaced} and ${where} order by ${list(ordered)} limit ${bind("int", selecting.limit)}${skipped}`
}

export const count = (definition: Definition, where: Node, surroundings: Surroundings, setting: string): Sql =>
  sql`with ${placed(setting)} select count(*)::int as total from ${name(definition.table)} where ${isPlaced} and ${
    conditionSql(definition, where, surroundings)
  }`

/** Who did something, and what it was. */
export interface Deed<About = Definition> {
  readonly definition: About
  /** Whose rows may be seen and written. */
  readonly setting: string
  readonly action: string
  readonly tenant: Answer
  readonly actorId: string
  readonly actorName: string
  readonly requestId: string
  readonly at: DateTime.Utc
}

const text = (value: string): Sql => sql`${bind("text", value)}::text`
const value = (kind: Kind, of: Answer): Sql => valueSql(of, kind)

const entryOf = (
  { action, actorId, actorName, at, definition, requestId, tenant }: Deed<Pick<Definition, "name">>,
  { changes, key, outcome, reason }: {
    readonly key: string
    readonly outcome: "done" | "denied"
    readonly reason: string
    /** A text of JSON. */
    readonly changes: string
  }
): Sql => {
  const entry = list([
    value("uuid", tenant),
    value("instant", at),
    text(actorId),
    text(actorName),
    text(definition.name),
    text(action),
    text(key),
    text(outcome),
    text(reason),
    text(requestId),
    sql`${text(changes)}::jsonb`
  ])
  return sql`insert into audit_entries (tenant_id, at, actor_id, actor_name, resource, action, record_key, outcome, reason,
    request_id, changes) select ${entry} from place where place.tenant is not null`
}

/** The audit entry of a deed by itself. */
export const audited = (deed: Deed<Pick<Definition, "name">>, entry: Parameters<typeof entryOf>[1]): Sql =>
  sql`with ${placed(deed.setting)} ${entryOf(deed, entry)}`

/** A write and what is to be known of it. */
const together = (written: Sql, deed: Deed, before: Values | null, after: Values | null): Sql => {
  const { action, at, definition, tenant } = deed
  const record = after ?? before ?? {}
  const key = String(record[definition.key] ?? "")
  const changes = changesText(definition, changedNames(definition, before, after), before, after)
  const audit = entryOf(deed, { key, outcome: "done", reason: "", changes })
  const event = list([
    value("uuid", tenant),
    value("instant", at),
    text(definition.name),
    text(action),
    text(key),
    after === null ? sql`null::json` : sql`${text(shownText(definition, after))}::json`
  ])
  return sql`with ${placed(deed.setting)}, written as (${written}), audited as (${audit}), told as (
    insert into record_events (tenant_id, at, resource, action, record_key, record)
    select ${event} from place where place.tenant is not null)
    select * from written`
}

const columns = new WeakMap<Definition, Sql>()

/** Of all that a record holds. */
const columnsOf = (definition: Definition): Sql => {
  const { attributes } = definition
  const known = columns.get(definition) ??
    compact(list(Object.keys(attributes).map((attribute) => columnOf(attributes, attribute))))
  columns.set(definition, known)
  return known
}

const valueOf = ({ attributes }: Definition, attribute: string, values: Values): Sql =>
  value(attributes[attribute]?.kind ?? "text", values[attribute] ?? null)

export const insert = (deed: Deed, after: Values): Sql => {
  const { definition } = deed
  const names = Object.keys(definition.attributes)
  const values = list(names.map((attribute) => valueOf(definition, attribute, after)))
  return together(
    sql`insert into ${name(definition.table)} (${
      columnsOf(definition)
    }) select ${values} from place where place.tenant is not null
      returning ${selection(definition)}`,
    deed,
    null,
    after
  )
}

/** Of what is different, at least the key, so that the version is another. */
export const update = (deed: Deed, one: Identified, before: Values, after: Values): Sql => {
  const { definition } = deed
  const { attributes, key } = definition
  const isOther = (attribute: string) => same(before[attribute] ?? null) !== same(after[attribute] ?? null)
  const names = Object.keys(attributes).filter((attribute) => attribute === key || isOther(attribute))
  const sets = names.map((attribute) =>
    sql`${columnOf(attributes, attribute)} = ${valueOf(definition, attribute, after)}`
  )
  return together(
    sql`update ${name(definition.table)} set ${list(sets)} where ${isPlaced} and ${
      identified(definition, one)
    } returning ${selection(definition)}`,
    deed,
    before,
    after
  )
}

export const destroy = (deed: Deed, one: Identified, before: Values): Sql =>
  together(
    sql`delete from ${name(deed.definition.table)} where ${isPlaced} and ${
      identified(deed.definition, one)
    } returning ${selection(deed.definition)}`,
    deed,
    before,
    null
  )

/** Some of all tenants' that hold the condition, for a session that sees all. */
export const remove = (definition: Definition, where: Node, surroundings: Surroundings, limit: number): Sql => {
  const table = sql`${name(schema)}.${name(definition.table)}`
  return sql`with gone as (delete from ${table} where ctid in (
      select ctid from ${table} where ${conditionSql(definition, where, surroundings)} limit ${bind("int", limit)})
    returning 1) select count(*)::int as total from gone`
}

const same = (value: Answer): string => JSON.stringify(Time.isDateTime(value) ? Time.formatIso(value) : value)
