/**
 * Hypertables: chunks of a day, compressed when they are no longer written to, dropped by retention.
 *
 * TimescaleDB's own jobs do the maintenance then. The retention is set at every start, so that a changed one takes
 * effect.
 */
import { Duration, Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { type TableName, tables } from "../../../domain/events/rows/Tables.ts"
import { quote } from "./InsertStatement.ts"

/** Late rows still find an uncompressed chunk. */
const compressAfter = "2 days"

export const isInstalled = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`select 1 as found from pg_extension where extname = 'timescaledb'`
).pipe(Effect.map((found) => found.length > 0))

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const regclass = (schema: string, name: string): string => literal(`${quote(schema)}.${quote(name)}`)

export const setUp = (schema: string, name: TableName): ReadonlyArray<string> => {
  const time = tables[name].time
  const table = regclass(schema, name)
  return [
    `select create_hypertable(${table}, ${literal(time)}, chunk_time_interval => interval '1 day')`,
    `alter table ${quote(schema)}.${quote(name)} set (timescaledb.compress,
      timescaledb.compress_segmentby = 'tenant_id', timescaledb.compress_orderby = '${quote(time)} desc')`,
    `select add_compression_policy(${table}, compress_after => interval '${compressAfter}')`
  ]
}

/** Two statements: a policy can only be replaced. */
export const setRetention = (schema: string, name: TableName, retention: Duration.Duration): ReadonlyArray<string> => {
  const table = regclass(schema, name)
  return [
    `select remove_retention_policy(${table}, if_exists => true)`,
    `select add_retention_policy(${table}, drop_after => interval '${
      Duration.toSeconds(retention)
    } seconds', if_not_exists => true)`
  ]
}
