/**
 * A row of the catalog from a resource's declaration: its attributes and calculations are the fields, its read action's policy
 * the condition that always holds, for whoever asks.
 *
 * What is private is not there at all: neither shown nor filtered nor sorted by, so that no answer tells of it. What is hidden
 * from whoever asks is a marker.
 */
import { DateTime, Result } from "effect"
import type { Attribute } from "../../resource/Attribute.ts"
import { columnNameOf, columnOf } from "../../resource/Columns.ts"
import type { Kind, Value } from "../../resource/expression/Kind.ts"
import type { Node, Surroundings } from "../../resource/expression/Node.ts"
import { simplify } from "../../resource/expression/Simplify.ts"
import { write } from "../../resource/expression/Statement.ts"
import * as FieldPolicies from "../../resource/FieldPolicies.ts"
import * as Policies from "../../resource/Policies.ts"
import { publicField } from "../../resource/PublicFields.ts"
import type { Definition } from "../../resource/Resource.ts"
import { name as named, type Sql, sql } from "../../sql/Sql.ts"
import { type Answer, refuse, type Span } from "../language/SrqlError.ts"
import { conceal } from "./Concealment.ts"
import { byEveryName, type Column, type ColumnType, type Entity, type Field, type FilterClass } from "./Entity.ts"

const types: Record<Kind, ColumnType> = {
  text: "text",
  integer: "int8",
  float: "float8",
  boolean: "bool",
  instant: "timestamptz",
  uuid: "uuid",
  text_list: "text_array"
}

/** Times are asked for with `time:` alone. */
const classes: Record<Kind, FilterClass | undefined> = {
  text: "text",
  integer: "integers",
  float: "number",
  boolean: "bool",
  instant: undefined,
  uuid: "uuid",
  text_list: "containsAll"
}

/** Counted by: few values, or one that is looked for. */
const groupable: ReadonlySet<Kind> = new Set<Kind>(["text", "integer", "boolean", "uuid"])

interface Part {
  readonly column: Column
  readonly kind: Kind
}

const stored = (definition: Definition, attribute: string, { kind }: Attribute<Value>): Part => {
  const identifier = columnOf(definition.attributes, attribute)
  return {
    kind,
    column: {
      name: columnNameOf(definition.attributes, attribute),
      type: types[kind],
      sql: identifier,
      identifier,
      isExpression: false
    }
  }
}

const computed = (name: string, kind: Kind, sql: Sql): Part => ({
  kind,
  column: { name, type: types[kind], sql, identifier: named(name), isExpression: true }
})

const fieldOf = ({ column: { name, sql, type }, kind }: Part): ReadonlyArray<Field> => {
  const filterClass = classes[kind]
  return filterClass === undefined ? [] : [{ name, aliases: [], class: filterClass, type, sql }]
}

export interface ResourceEntityOptions {
  /** In `in:`; beside the names of the table and of the resource. */
  readonly spellings?: ReadonlyArray<string>
  /** The attribute that `time:` is about; by default the first time that there is. */
  readonly time?: string
  /** Whose policy tells what may be seen; default `read`. */
  readonly action?: string
  /** Where the table is, if it is not looked for by its name alone. */
  readonly schema?: string
  /** What a question calls the tenant, by the column in which the record has it; by default the same. */
  readonly tenantAs?: (column: Sql) => Sql
}

const underscored = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_")

/** For nobody, when `surroundings` are absent: then it has names, and no rows. */
const build = (
  definition: Definition,
  options: ResourceEntityOptions,
  surroundings: Surroundings | undefined
): Omit<Entity, "within"> => {
  const column = (attribute: string): Sql => columnOf(definition.attributes, attribute)
  const written = (node: Node): Sql =>
    surroundings === undefined ? sql`NULL` : write(simplify(node, surroundings), { ...surroundings, column })
  const isSeen = (attribute: string): boolean => publicField(definition, attribute) !== undefined
  const attributes = new Map(
    Object.entries(definition.attributes)
      .filter(([attribute]) => isSeen(attribute))
      .map(([attribute, of]) => [attribute, stored(definition, attribute, of)] as const)
  )
  const calculations = Object.entries(definition.calculations).map(([of, node]) =>
    computed(columnNameOf({}, of), node.kind, written(node))
  )
  const all = [...attributes.values(), ...calculations]
  const time = options.time === undefined
    ? [...attributes.values()].find(({ kind }) => kind === "instant")
    : attributes.get(options.time)
  const key = [attributes.get(definition.key)].flatMap((part) => part === undefined ? [] : [part.column])
  const tenant = definition.tenant === undefined ? undefined : column(definition.tenant)
  const { schema, tenantAs = (own: Sql) => sql`${own}::text` } = options
  const table = named(definition.table)
  const from = schema === undefined ? table : sql`${named(schema)}.${table}`
  return {
    name: underscored(definition.table),
    spellings: [
      ...new Set([underscored(definition.table), underscored(definition.name), ...(options.spellings ?? [])])
    ],
    from,
    fromOfTenant: from,
    tenant: tenant === undefined ? null : tenantAs(tenant),
    time: time?.column.sql ?? null,
    always: surroundings === undefined
      ? sql`FALSE`
      : written(Policies.condition(definition, options.action ?? "read")),
    columns: all.map(({ column }) => column),
    fields: byEveryName(all.flatMap(fieldOf).map((field) => [[field.name], field] as const)),
    documents: new Map(),
    sorts: new Map(all.flatMap(({ column, kind }) => kind === "text_list" ? [] : [[column.name, column] as const])),
    order: [
      ...(time === undefined ? [] : [[time.column, "desc"] as const]),
      ...key.map((column) => [column, "asc"] as const)
    ],
    key,
    wholeRow: null,
    // What is computed has binds of its own each time that it is written: no two of them are the same to PostgreSQL.
    groups: new Map(
      [...attributes.values()].flatMap(({ column, kind }) =>
        groupable.has(kind) ? [[column.name, { key: column.name, sql: column.sql }] as const] : []
      )
    ),
    rollups: new Map(),
    metric: null,
    latest: null,
    document: null,
    isInventory: false,
    semantics: {},
    concealed: new Set()
  }
}

/** Columns whose values whoever asks is not shown of every record. */
const concealedFrom = (definition: Definition, surroundings: Surroundings): ReadonlySet<string> =>
  new Set(
    [...Object.keys(definition.attributes), ...Object.keys(definition.calculations)].flatMap((field) =>
      FieldPolicies.isOpen(definition, field, surroundings) ? [] : [columnNameOf(definition.attributes, field)]
    )
  )

const isNever = (may: Node): boolean => may._tag === "Literal" && may.value === false

/** Whatever a record holds, they are not for whoever asks, as in the API. */
const refuseAll = (entity: string, at: Span): Answer<never> =>
  refuse({
    at,
    detail: `${entity} cannot be asked for by whoever asks`,
    found: entity,
    expected: "an entity of which somebody in this role, and within this partition, may read something"
  })

/** An entity whose rows are the records that its policies let the asker read. */
export const ofResource = (
  { definition }: { readonly definition: Definition },
  options: ResourceEntityOptions = {}
): Entity => ({
  ...build(definition, options, undefined),
  within: ({ actor, nowMillis }, at) => {
    if (actor === undefined) {
      return refuse({
        at,
        detail: `${underscored(definition.table)} are answered to somebody only`,
        found: "nobody",
        expected: "a question of somebody, whom the policies of the resource know"
      })
    }
    const surroundings = { actor, arguments: {}, now: DateTime.makeUnsafe(nowMillis) }
    const may = simplify(Policies.condition(definition, options.action ?? "read"), surroundings)
    if (isNever(may)) return refuseAll(underscored(definition.table), at)
    const entity = { ...build(definition, options, surroundings), within: null }
    return Result.succeed(conceal(entity, concealedFrom(definition, surroundings)))
  }
})

export interface Differing {
  /** Columns of the entity that tell of one of the resource, where it is not the one of the same name alone. */
  readonly shownAs?: Readonly<Record<string, ReadonlyArray<string>>>
  /** Where an attribute is that has no column. */
  readonly within?: Readonly<Record<string, Sql>>
}

/**
 * An entity with columns of its own, of whose rows whoever is named is answered those that the policies of a resource let him
 * read. Of which tenant they are, the question binds. Policies are for those whom a question names. A column is the attribute of
 * the same column's name, but for what differs.
 */
export const governedBy = (
  { definition }: { readonly definition: Definition },
  governed: Entity,
  { shownAs = {}, within = {} }: Differing = {}
): Entity => ({
  ...governed,
  within: ({ actor, nowMillis }, at, whole) => {
    if (actor === undefined) return Result.succeed(whole)
    const surroundings = { actor, arguments: {}, now: DateTime.makeUnsafe(nowMillis) }
    const concealed = [...concealedFrom(definition, surroundings)]
    const entity = conceal(whole, new Set(concealed.flatMap((name) => shownAs[name] ?? [name])))
    const may = simplify(Policies.condition({ ...definition, tenant: undefined }, "read"), surroundings)
    if (isNever(may)) return refuseAll(governed.name, at)
    if (may._tag === "Literal" && may.value === true) return Result.succeed(entity)
    const column = (attribute: string): Sql => within[attribute] ?? columnOf(definition.attributes, attribute)
    const readable = write(may, { ...surroundings, column })
    return Result.succeed({
      ...entity,
      always: entity.always === null ? readable : sql`(${entity.always}) AND ${readable}`
    })
  }
})
