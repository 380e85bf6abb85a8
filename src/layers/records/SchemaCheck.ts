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

/** Of whose rows somebody sees, and of the questions in SRQL. */
const [ofTenants, ofAskers] = ["rows_of_tenant", "rows_of_asker"]

const ofPolicies = (table: string, found: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...(found.includes(ofTenants) ? [] : [`${table}: has no policy ${ofTenants}`]),
  ...found.filter((name) => name !== ofTenants && name !== ofAskers).map((name) =>
    `${table}: has the policy ${name}, which lets others see its rows`
  )
]

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
    Named,
    sql`select polname as name from pg_policy where polrelid = to_regclass(${place}) order by 1`
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
    ...ofPolicies(table, policies.map(({ name }) => name)),
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
      ...definitions.map(ofTable),
      ...Object.entries(triggers).map(ofTriggers)
    ]),
    (all) => all.flat()
  )
