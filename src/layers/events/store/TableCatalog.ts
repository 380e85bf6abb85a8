/** What PostgreSQL's catalog says about tables of a schema. */
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { FoundTable } from "../../../domain/events/storing/AdoptionPlan.ts"

/** Runs one statement: on a session, or on any connection of a pool. */
export type Query = (
  text: string,
  parameters: ReadonlyArray<unknown>
) => Effect.Effect<ReadonlyArray<unknown>, SqlError>

export interface CatalogTable extends FoundTable {
  readonly name: string
  readonly primaryKey: ReadonlyArray<string>
  /** By the index's name; a column of an index over an expression is empty. Indexes that failed to be made are not valid. */
  readonly indexes: ReadonlyArray<
    { readonly name: string; readonly columns: ReadonlyArray<string>; readonly isValid: boolean }
  >
  /** Rules for each row, with the columns that they name. */
  readonly checks: ReadonlyArray<Check>
}

export interface Check {
  readonly name: string
  readonly expression: string
  readonly columns: ReadonlyArray<string>
}

const kinds: Readonly<Record<string, string>> = {
  r: "table",
  p: "partitioned table",
  v: "view",
  m: "materialized view",
  f: "foreign table"
}

const Rows = Schema.Array(Schema.Struct({
  name: Schema.String,
  relkind: Schema.String,
  columns: Schema.Array(Schema.Struct({
    name: Schema.String,
    type: Schema.String,
    isNullable: Schema.Boolean,
    hasDefault: Schema.Boolean
  })),
  indexes: Schema.Array(Schema.Struct({
    name: Schema.String,
    columns: Schema.Array(Schema.String),
    isUnique: Schema.Boolean,
    isPrimary: Schema.Boolean,
    isValid: Schema.Boolean
  })),
  checks: Schema.Array(Schema.Struct({
    name: Schema.String,
    expression: Schema.String,
    columns: Schema.Array(Schema.String)
  }))
}))

const select = `
  select relname::text as name, relkind::text as relkind,
    (select coalesce(jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, atttypmod),
        'isNullable', not attnotnull, 'hasDefault', atthasdef or attidentity <> '') order by attnum), '[]')
      from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped) as columns,
    (select coalesce(jsonb_agg(jsonb_build_object('name', index.relname, 'isPrimary', indisprimary,
        'isUnique', indisunique and indisvalid and indpred is null and indexprs is null, 'isValid', indisvalid,
        'columns', (select jsonb_agg(coalesce(attname, '') order by position)
          from unnest(indkey[0:indnkeyatts - 1]) with ordinality as part (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = part.number and attnum > 0))), '[]')
      from pg_index join pg_class as index on index.oid = indexrelid where indrelid = pg_class.oid) as indexes,
    (select coalesce(jsonb_agg(jsonb_build_object('name', conname, 'expression', pg_get_expr(conbin, conrelid),
        'columns', (select coalesce(jsonb_agg(attname), '[]') from pg_attribute
          where attrelid = conrelid and attnum = any(conkey)))), '[]')
      from pg_constraint where conrelid = pg_class.oid and contype = 'c') as checks
  from pg_class
  where relnamespace = to_regnamespace($1) and relname = any($2::text[]) and relkind in ('r', 'p', 'v', 'm', 'f')`

const hasTimescale = "select to_regclass('timescaledb_information.hypertables') is not null as found"

const hypertables = `
  select hypertable_name::text as name from timescaledb_information.hypertables where hypertable_schema = $1`

const Found = Schema.Array(Schema.Struct({ found: Schema.Boolean }))
const Names = Schema.Array(Schema.Struct({ name: Schema.String }))

/** The catalog's answers have the shape that their statement gives them. */
const decode = <A, I>(schema: Schema.Codec<A, I>) => (rows: ReadonlyArray<unknown>) =>
  Effect.orDie(Schema.decodeUnknownEffect(schema)(rows))

/** `schema` as it is; those of the tables that exist. */
export const read = Effect.fnUntraced(function*(query: Query, schema: string, names: ReadonlyArray<string>) {
  const rows = yield* Effect.flatMap(
    query(select, [`"${schema.replaceAll("\"", "\"\"")}"`, `{${names.join(",")}}`]),
    decode(Rows)
  )
  const [timescale] = yield* Effect.flatMap(query(hasTimescale, []), decode(Found))
  const partitioned = timescale?.found === true
    ? new Set((yield* Effect.flatMap(query(hypertables, [schema]), decode(Names))).map(({ name }) => name))
    : new Set()
  return new Map(rows.map(({ checks, columns, indexes, name, relkind }): readonly [string, CatalogTable] => [name, {
    name,
    kind: kinds[relkind] ?? relkind,
    isHypertable: partitioned.has(name),
    columns,
    indexes,
    checks,
    uniqueKeys: indexes.filter(({ isUnique }) => isUnique).map((index) => index.columns),
    primaryKey: indexes.find(({ isPrimary }) => isPrimary)?.columns ?? []
  }]))
})
