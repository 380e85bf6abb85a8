/**
 * The tables that the event writer fills, as hypertables where TimescaleDB is installed, else partitioned by time with a
 * default partition, so that no row is refused for its timestamp. A table that exists already stays as it is here, and is
 * adopted later.
 *
 * `event_partition_add` moves rows that wait in the default partition into the new one. It is a function because it must
 * be one transaction, and one call is one, whatever happens to the connection meanwhile.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { tables } from "../../../../domain/events/rows/Tables.ts"
import { tableNames } from "../../../../domain/events/storing/TablePolicy.ts"
import { quote } from "../InsertStatement.ts"
import * as TableDefinition from "../TableDefinition.ts"
import * as Timescale from "../Timescale.ts"
import { exists } from "./existing.ts"

/** Waits this long for writers of the default partition, which then wait as long for us. */
const lockLimit = "2s"

const addPartition = (schema: string) => `
  create or replace function ${quote(schema)}.event_partition_add(
    parent text, time_column text, partition text, since timestamptz, upto timestamptz
  ) returns boolean language plpgsql set lock_timeout = '${lockLimit}' as $body$
  declare
    home constant text := '${schema.replaceAll("'", "''")}';
    waiting constant text := parent || '_default';
  begin
    perform pg_advisory_xact_lock(hashtextextended(home || '.' || parent, 0));
    if to_regclass(format('%I.%I', home, partition)) is not null then
      return false;
    end if;
    execute format('create table %1$I.%2$I (like %1$I.%3$I including all)', home, partition, parent);
    execute format('lock table %I.%I in access exclusive mode', home, waiting);
    execute format(
      'with moved as (delete from %1$I.%2$I where %3$I >= $1 and %3$I < $2 returning *)
       insert into %1$I.%4$I select * from moved', home, waiting, time_column, partition) using since, upto;
    execute format(
      'alter table %1$I.%2$I attach partition %1$I.%3$I for values from (%4$L) to (%5$L)',
      home, parent, partition, since, upto);
    return true;
  end $body$`

const dropPartition = (schema: string) => `
  create or replace function ${quote(schema)}.event_partition_drop(parent text, partition text)
  returns boolean language plpgsql set lock_timeout = '${lockLimit}' as $body$
  declare
    home constant text := '${schema.replaceAll("'", "''")}';
  begin
    perform pg_advisory_xact_lock(hashtextextended(home || '.' || parent, 0));
    if to_regclass(format('%I.%I', home, partition)) is null then
      return false;
    end if;
    execute format('drop table %I.%I', home, partition);
    return true;
  end $body$`

export const eventTables = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const isHypertable = yield* Timescale.isInstalled
    for (const name of tableNames) {
      if (yield* exists(schema, name)) continue
      const parent = `${quote(schema)}.${quote(name)}`
      if (isHypertable) {
        yield* sql.unsafe(TableDefinition.create(schema, name))
        yield* Effect.forEach(Timescale.setUp(schema, name), (statement) => sql.unsafe(statement))
      } else {
        yield* sql.unsafe(`${TableDefinition.create(schema, name)} partition by range (${quote(tables[name].time)})`)
        yield* sql.unsafe(`create table ${quote(schema)}.${quote(`${name}_default`)} partition of ${parent} default`)
        yield* Effect.forEach(TableDefinition.newestFirst(schema, name), (statement) => sql.unsafe(statement))
      }
      yield* Effect.forEach(TableDefinition.indexes(schema, name), (statement) => sql.unsafe(statement))
    }
    yield* sql.unsafe(addPartition(schema))
    yield* sql.unsafe(dropPartition(schema))
  })
