/**
 * What of a database's tables is not as the resources declare it: columns, keys, identities,
 * row-level security and triggers.
 */
import { Effect, Schema, String } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Constraints from "../../domain/records/Constraints.ts"
import { application, schema } from "../../domain/records/Schema.ts"
import type { Attribute } from "../../domain/resource/Attribute.ts"
import type { Kind, Value } from "../../domain/resource/expression/Kind.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import * as Rows from "../postgres/connection/Rows.ts"
import * as RowSecurity from "../postgres/connection/RowSecurity.ts"

const Column = Schema.Struct({ name: Schema.String, type: Schema.String, isRequired: Schema.Boolean })
const Table = Schema.Struct({ isSecured: Schema.Boolean })
const Role = Schema.Struct({ name: Schema.String, user: Schema.String })
const Named = Schema.Struct({ name: Schema.String })
/** Conditions as PostgreSQL writes them; empty where there are none. */
const Policy = Schema.Struct({ name: Schema.String, using: Schema.String, check: Schema.String })
const Constraint = Schema.Struct({ name: Schema.String, columns: Schema.Array(Schema.String) })

const types: Readonly<Record<Kind, ReadonlyArray<string>>> = {
  text: ["text"],
  uuid: ["uuid"],
  integer: ["bigint", "integer"],
  float: ["double precision"],
  boolean: ["boolean"],
  instant: ["timestamp with time zone"],
  text_list: ["text[]"]
}

const audit = `${schema}.audit_entries`

const columnName = (name: string, { traits }: Attribute<Value>): string => traits.column ?? String.camelToSnake(name)

const ofColumns = (definition: Definition, found: ReadonlyArray<typeof Column.Type>): ReadonlyArray<string> =>
  Object.entries(definition.attributes).flatMap(([name, attribute]) => {
    const column = found.find((one) => one.name === columnName(name, attribute))
    const place = `${definition.table}.${columnName(name, attribute)}`
    if (column === undefined) return [`${place}: is missing, for ${name} of ${definition.name}`]
    const isRequired = attribute.presence !== "optional"
    return [
      ...(types[attribute.kind].includes(column.type)
        ? []
        : [`${place}: is ${column.type}, expected ${types[attribute.kind][0]}`]),
      ...(column.isRequired === isRequired
        ? []
        : [`${place}: ${column.isRequired ? "cannot be null, but may be" : "can be null, but must not be"}`])
    ]
  })

const ofUnique = (
  definition: Definition,
  found: ReadonlyArray<typeof Constraint.Type>,
  name: string,
  fields: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const constraint = found.find((one) => one.name === name)
  const columns = fields.flatMap((field) => {
    const attribute = definition.attributes[field]
    return attribute === undefined ? [] : [columnName(field, attribute)]
  })
  if (constraint === undefined) return [`${definition.table}: has no constraint ${name} on ${columns.join(", ")}`]
  return columns.every((column) => constraint.columns.includes(column))
    ? []
    : [`${name}: is on ${constraint.columns.join(", ")}, expected ${columns.join(", ")}`]
}

/** Whether a row is of the tenant that the session names. */
const sees = "serviceradar_sees"

/** Of whose rows somebody sees, and of the questions in SRQL. */
const [ofTenants, ofAskers] = ["rows_of_tenant", "rows_of_asker"]

const isTenants = (condition: string): boolean => new RegExp(`^(?:${schema}\\.)?${sees}\\(\\w+\\)$`).test(condition)

/** Whether it says what it is named for. */
const separates = ({ check, name, using }: typeof Policy.Type): boolean =>
  name === ofTenants ? isTenants(using) && isTenants(check) : using.includes(`current_setting('${RowSecurity.setting}'`)

const ofPolicies = (table: string, found: ReadonlyArray<typeof Policy.Type>): ReadonlyArray<string> => [
  ...(found.some(({ name }) => name === ofTenants) ? [] : [`${table}: has no policy ${ofTenants}`]),
  ...found.filter(({ name }) => name !== ofTenants && name !== ofAskers).map(({ name }) =>
    `${table}: has the policy ${name}, which lets others see its rows`
  ),
  ...found.filter((one) => [ofTenants, ofAskers].includes(one.name) && !separates(one)).map(({ check, name, using }) =>
    `${table}: the policy ${name} separates nothing: using (${using})${check === "" ? "" : ` with check (${check})`}`
  )
]

/** Of numbers that a column of a wider type must not hold. */
const ofBounds = (
  definition: Definition,
  columns: ReadonlyArray<typeof Column.Type>,
  found: ReadonlyArray<string>
): ReadonlyArray<string> =>
  Object.entries(definition.attributes).flatMap(([name, attribute]) => {
    const column = columnName(name, attribute)
    const isWider = attribute.kind === "integer" && attribute.traits.bounds.most !== undefined &&
      columns.some((one) => one.name === column && one.type === "bigint")
    const constraint = `${definition.table}_${column}_check`
    return !isWider || found.includes(constraint) ? [] : [`${definition.table}: has no constraint ${constraint}`]
  })

/** Remembered longer than what they refer to. */
const outliving = new Set(["merge-audit"])

const ofReferences = (definition: Definition, found: ReadonlyArray<string>): ReadonlyArray<string> =>
  outliving.has(definition.name) ? [] : Object.values(definition.relationships).flatMap((relationship) => {
    const name = Constraints.referenceName(definition, relationship.by)
    return relationship.kind !== "belongs_to" || found.includes(name)
      ? []
      : [`${definition.table}: has no foreign key ${name}`]
  })

/** The role that cannot bypass row-level security, where there is one that whoever connects may not take. */
const ofRole = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const found = yield* Rows.query(
    Role,
    sql`select rolname::text as name, current_user::text as user from pg_roles
      where rolname = ${application.role} and not ${sql.literal(RowSecurity.mayTake)}`
  )
  return found.map(({ name, user }) => `role ${name}: cannot be taken by ${user}: grant ${name} to ${user}`)
})

/** Roles for which row-level security counts nothing, and a function that sees everything. */
const ofWall = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const roles = yield* Rows.query(
    Named,
    sql`select rolname::text as name from pg_roles
      where rolname in (${application.role}, ${RowSecurity.role}) and (rolsuper or rolbypassrls) order by 1`
  )
  const functions = yield* Rows.query(
    Named,
    sql`select prosrc as name from pg_proc
      where pronamespace = to_regnamespace(${schema}) and proname = ${sees}`
  )
  const asksWho = (source: string) =>
    source.includes(`current_setting('${RowSecurity.setting}'`) &&
    source.includes(`current_user <> '${application.role}'`)
  return [
    ...roles.map(({ name }) => `role ${name}: bypasses row-level security`),
    ...functions.filter(({ name }) => !asksWho(name)).map(({ name }) =>
      `function ${sees}: does not ask whose rows are meant: ${name.trim()}`
    )
  ]
})

/** What was done is written, and never changed. */
const ofAudit = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const found = yield* Rows.query(
    Named,
    sql`select may as name from pg_roles, unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) as may
      where rolname = ${application.role} and to_regclass(${audit}) is not null
        and has_table_privilege(oid, to_regclass(${audit}), may)`
  )
  return found.map(({ name }) => `audit_entries: role ${application.role} may ${name}, and so change what was done`)
})

/** Texts of all people are kept; in another encoding some are refused when they come. */
const ofEncoding = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const found = yield* Rows.query(Named, sql`select current_setting('server_encoding') as name`)
  return found.flatMap(({ name }) => name === "UTF8" ? [] : [`the encoding of the database is ${name}, expected UTF8`])
})

const ofTable = Effect.fnUntraced(function*(definition: Definition) {
  const sql = yield* SqlClient.SqlClient
  const { identities, key, table, tenant } = definition
  const place = `${schema}.${table}`
  const [there] = yield* Rows.query(
    Table,
    sql`select relrowsecurity and relforcerowsecurity as "isSecured" from pg_class where oid = to_regclass(${place})`
  )
  if (there === undefined) return [`${table}: is missing, for ${definition.name}`]
  const columns = yield* Rows.query(
    Column,
    sql`select attname as name, format_type(atttypid, null) as type, attnotnull as "isRequired" from pg_attribute
      where attrelid = to_regclass(${place}) and attnum > 0 and not attisdropped`
  )
  const policies = yield* Rows.query(
    Policy,
    sql`select polname as name, coalesce(pg_get_expr(polqual, polrelid), '') as using,
        coalesce(pg_get_expr(polwithcheck, polrelid), '') as check
      from pg_policy where polrelid = to_regclass(${place}) order by 1`
  )
  const bounds = yield* Rows.query(
    Named,
    sql`select conname as name from pg_constraint where conrelid = to_regclass(${place}) and contype = 'c'`
  )
  const references = yield* Rows.query(
    Constraint,
    sql`select conname as name, '{}'::text[] as columns from pg_constraint
      where conrelid = to_regclass(${place}) and contype = 'f'`
  )
  const constraints = yield* Rows.query(
    Constraint,
    sql`select conname as name, array(select attname::text from pg_attribute
        where attrelid = conrelid and attnum = any(conkey)) as columns
      from pg_constraint where conrelid = to_regclass(${place}) and contype in ('p', 'u')`
  )
  return [
    ...(there.isSecured ? [] : [`${table}: row-level security is not forced`]),
    ...ofPolicies(table, policies),
    ...ofBounds(definition, columns, bounds.map(({ name }) => name)),
    ...ofReferences(definition, references.map(({ name }) => name)),
    ...ofColumns(definition, columns),
    ...ofUnique(definition, constraints, Constraints.keyName(definition), [
      ...(tenant === undefined ? [] : [tenant]),
      key
    ]),
    ...Object.entries(identities).flatMap(([identity, fields]) =>
      ofUnique(definition, constraints, Constraints.identityName(definition, identity), fields)
    )
  ]
})

/** By table: what refuses what no declaration can, such as one record too many. */
export type Triggers = Readonly<Record<string, ReadonlyArray<string>>>

const ofTriggers = Effect.fnUntraced(function*([table, expected]: readonly [string, ReadonlyArray<string>]) {
  const sql = yield* SqlClient.SqlClient
  const enabled = yield* Rows.query(
    Named,
    sql`select tgname as name from pg_trigger
      where tgrelid = to_regclass(${`${schema}.${table}`}) and tgenabled in ('O', 'A')`
  )
  const names = enabled.map(({ name }) => name)
  return expected.filter((name) => !names.includes(name)).map((name) =>
    `${table}: has no trigger ${name}, or it is off`
  )
})

/** A line for each, with what was expected. */
export const differences = (
  definitions: ReadonlyArray<Definition>,
  triggers: Triggers = {}
): Effect.Effect<ReadonlyArray<string>, SqlError, SqlClient.SqlClient> =>
  Effect.map(
    Effect.all([
      ofEncoding,
      ofRole,
      ofWall,
      ofAudit,
      ...definitions.map(ofTable),
      ...Object.entries(triggers).map(ofTriggers)
    ]),
    (all) => all.flat()
  )
