/**
 * The SQL of many records at once. Rows go as one JSON text, which PostgreSQL reads by the columns of the table: as many as
 * there are, the statement is the same, and prepared once.
 */
import { columnNameOf, columnOf } from "../resource/Columns.ts"
import type { Definition } from "../resource/Resource.ts"
import { and, bind, join, list, name, type Sql, sql } from "../sql/Sql.ts"
import { type Json, toJson, type Values } from "./Record.ts"
import { selection } from "./Statements.ts"

const json = (value: unknown): Sql => sql`${bind("text", JSON.stringify(value))}::text::json`

const columnsOf = ({ attributes }: Definition): ReadonlyArray<Sql> =>
  Object.keys(attributes).map((attribute) => columnOf(attributes, attribute))

const rowOf = (
  { attributes }: Definition,
  names: ReadonlyArray<string>,
  values: Values
): Readonly<Record<string, Json>> => {
  const row: Record<string, Json> = {}
  for (const attribute of names) row[columnNameOf(attributes, attribute)] = toJson(values[attribute] ?? null)
  return row
}

const given = (definition: Definition, names: ReadonlyArray<string>, rows: ReadonlyArray<Values>): Sql =>
  sql`json_populate_recordset(null::${name(definition.table)}, ${
    json(rows.map((row) => rowOf(definition, names, row)))
  })`

/** Whose rows the transaction may see. */
export const place = (tenant: string): Sql =>
  sql`select set_config('serviceradar.tenant', ${bind("text", tenant)}::text, true) as tenant`

export interface Among {
  readonly tenant: string
  /** Texts by the attribute that is to be one of them: one that is suffices. */
  readonly texts: Readonly<Record<string, ReadonlyArray<string>>>
  /** Or all of these. */
  readonly together?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly isLocked?: boolean
}

/** Those of a tenant that have one of these texts in an attribute; locked, they are so in the order of their keys. */
export const among = (definition: Definition, { isLocked = false, tenant, texts, together = {} }: Among): Sql => {
  const { attributes, key, tenant: tenantAttribute } = definition
  const isOwn = tenantAttribute === undefined
    ? sql`TRUE`
    : sql`${columnOf(attributes, tenantAttribute)} = ${bind("text", tenant)}::text::uuid`
  const isAmong = (of: typeof texts) =>
    Object.entries(of).map(([attribute, some]) =>
      sql`${columnOf(attributes, attribute)} = any(${bind("text_array", some)}::text[])`
    )
  const isOne = [...isAmong(texts), ...(Object.keys(together).length === 0 ? [] : [and(isAmong(together))])]
  const locked = isLocked ? sql` for no key update` : sql``
  return sql`select ${selection(definition)} from ${name(definition.table)} where ${isOwn} and (${
    join(isOne, sql` or `)
  }) order by ${columnOf(attributes, key)}${locked}`
}

/** New ones; of those that are there already, none. Answers the keys that are new. */
export const insertAll = (definition: Definition, rows: ReadonlyArray<Values>): Sql => {
  const columns = list(columnsOf(definition))
  return sql`insert into ${name(definition.table)} (${columns}) select ${columns} from ${
    given(definition, Object.keys(definition.attributes), rows)
  } on conflict do nothing returning ${columnOf(definition.attributes, definition.key)}::text as key`
}

/** Those that are there: these attributes of each, as they are to be. */
export const updateAll = (definition: Definition, names: ReadonlyArray<string>, rows: ReadonlyArray<Values>): Sql => {
  const { attributes, key, tenant } = definition
  const kept = [key, ...(tenant === undefined ? [] : [tenant])]
  const sets = names.map((attribute) => {
    const column = columnOf(attributes, attribute)
    return sql`${column} = given.${column}`
  })
  const same = kept.map((attribute) => {
    const column = columnOf(attributes, attribute)
    return sql`own.${column} = given.${column}`
  })
  return sql`update ${name(definition.table)} own set ${list(sets)} from ${
    given(definition, [...kept, ...names], rows)
  } given where ${and(same)}`
}

/** What was done with one of them, for its audit entry and its event. */
export interface BulkDeed {
  readonly resource: string
  readonly action: string
  readonly key: string
  /** By attribute `[before, after]`, as a text of JSON. */
  readonly changes: string
  /** As others may see it, as a text of JSON; null when it is no more. */
  readonly record: string | null
}

export interface BulkOccasion {
  readonly tenant: string
  readonly actorId: string
  readonly actorName: string
  readonly requestId: string
  /** ISO 8601. */
  readonly at: string
}

/** The audit entries and events of all of them. Each document is a text of its own: as parts of one they would be read twice. */
export const tellAll = (deeds: ReadonlyArray<BulkDeed>, occasion: BulkOccasion): Sql => {
  const text = (value: string) => sql`${bind("text", value)}::text`
  const texts = (of: (deed: BulkDeed) => string) => sql`${bind("text_array", deeds.map(of))}::text[]`
  const who = sql`${text(occasion.tenant)}::uuid, ${text(occasion.at)}::timestamptz`
  return sql`with given as materialized (
      select * from unnest(${texts(({ resource }) => resource)}, ${texts(({ action }) => action)},
        ${texts(({ key }) => key)}, ${texts(({ changes }) => changes)}, ${texts(({ record }) => record ?? "")})
        as given(resource, action, key, changes, record)
    ), audited as (
      insert into audit_entries (tenant_id, at, actor_id, actor_name, resource, action, record_key, outcome, reason,
        request_id, changes)
      select ${who}, ${text(occasion.actorId)}, ${text(occasion.actorName)}, resource, action, key, 'done', '',
        ${text(occasion.requestId)}, changes::jsonb from given
    ) insert into record_events (tenant_id, at, resource, action, record_key, record)
      select ${who}, resource, action, key, nullif(record, '')::json from given`
}
