/** What of a database's tables is not as the resources declare it: columns, keys, identities and row-level security. */
import { Effect, Schema, String } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Constraints from "../../domain/records/Constraints.ts"
import { schema } from "../../domain/records/Schema.ts"
import type { Attribute } from "../../domain/resource/Attribute.ts"
import type { Kind, Value } from "../../domain/resource/expression/Kind.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import * as Rows from "../postgres/connection/Rows.ts"

const Column = Schema.Struct({ name: Schema.String, type: Schema.String, isRequired: Schema.Boolean })
const Table = Schema.Struct({ isSecured: Schema.Boolean })
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
  const constraints = yield* Rows.query(
    Constraint,
    sql`select conname as name, array(select attname::text from pg_attribute
        where attrelid = conrelid and attnum = any(conkey)) as columns
      from pg_constraint where conrelid = to_regclass(${place}) and contype in ('p', 'u')`
  )
  return [
    ...(there.isSecured ? [] : [`${table}: row-level security is not forced`]),
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

/** A line for each, with what was expected. */
export const differences = (
  definitions: ReadonlyArray<Definition>
): Effect.Effect<ReadonlyArray<string>, SqlError, SqlClient.SqlClient> =>
  Effect.map(Effect.forEach(definitions, ofTable), (all) => all.flat())
