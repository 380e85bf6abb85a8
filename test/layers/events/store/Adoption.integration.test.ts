import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Option, Result } from "effect"
import { type TableName, tables } from "../../../../src/domain/events/rows/Tables.ts"
import type { EventRow } from "../../../../src/domain/events/storing/Suspects.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import * as PgEventStore from "../../../../src/layers/events/store/PgEventStore.ts"
import * as PgEventTables from "../../../../src/layers/events/store/PgEventTables.ts"
import * as PgTraceSummaries from "../../../../src/layers/events/store/PgTraceSummaries.ts"
import { DatabaseEndpoint } from "../../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { EventStore } from "../../../../src/services/events/EventStore.ts"
import { EventTables } from "../../../../src/services/events/EventTables.ts"
import { TraceSummaries } from "../../../../src/services/events/TraceSummaries.ts"
import { decodedSamples } from "../../../support/decodedSamples.ts"
import * as ForeignTables from "../../../support/foreignTables.ts"
import { eventually } from "../../../support/Program.ts"
import * as TestConnection from "../../../support/TestConnection.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"
import { json, message } from "../decode/samples.ts"

const writerOf = (schema: string, options: PgEventTables.PgEventTablesOptions = {}) =>
  Layer.mergeAll(
    PgEventTables.layer({ schema, ...options }),
    PgEventStore.layer({ schema }),
    PgTraceSummaries.layer({ schema })
  )

const client = Effect.flatMap(PgConnection, (connection) => connection.client)

const prepare = Effect.flatMap(EventTables, (tables) => tables.prepare)

const countOf = Effect.fnUntraced(function*(schema: string, table: string) {
  const sql = yield* client
  const [row] = yield* sql<{ count: number }>`select count(*)::int as count from ${sql(`${schema}.${table}`)}`
  return row?.count ?? 0
})

/** What another writer's columns of its rows have in them; ours are null there. */
const contentsOf = Effect.fnUntraced(function*(schema: string, names: ReadonlyArray<string>) {
  const sql = yield* client
  return yield* Effect.forEach(names, (name) =>
    sql.unsafe<{ row: unknown }>(
      `select jsonb_strip_nulls(to_jsonb(one)) as row from "${schema}".${name} as one order by 1`
    ))
})

const writeAll = Effect.fnUntraced(function*() {
  const store = yield* EventStore
  const written = yield* Effect.forEach(
    decodedSamples(),
    ([table, rows]) => Effect.map(store.write(table, rows), ({ inserted }) => [table, inserted] as const)
  )
  return new Map(written)
})

const distinctKeys = (table: TableName, rows: ReadonlyArray<EventRow>): number =>
  new Set(rows.map((row) => {
    const values: Readonly<Record<string, unknown>> = row
    return tables[table].key.map((column) => String(values[column])).join("|")
  })).size

const expected = () =>
  new Map(Array.from(decodedSamples(), ([table, rows]) => [table, distinctKeys(table, rows)] as const))

/** How the Go writer inserts: a row, and its own key as the target of the conflict where the table has one. */
const goInserts: Readonly<Record<string, ReadonlyArray<string>>> = {
  "v1.0.76": [
    "insert into S.timeseries_metrics (timestamp, poller_id, metric_name, metric_type, value) values (now(), 'p', 'm', 'g', 1)",
    `insert into S.logs (timestamp, trace_id, span_id, body) values (now(), 't', 's', 'b')
      on conflict (timestamp, trace_id, span_id) do nothing`,
    `insert into S.otel_metrics (timestamp, span_name, service_name, span_id) values (now(), 'n', 's', 'i')
      on conflict (timestamp, span_name, service_name, span_id) do nothing`,
    `insert into S.otel_traces (timestamp, trace_id, span_id, name) values (now(), 't', 's', 'n')
      on conflict (timestamp, trace_id, span_id) do nothing`,
    `insert into S.sweep_host_states (host_ip, poller_id, agent_id, partition, last_sweep_time)
      values ('10.9.9.9', 'p', 'a', 'd', now())
      on conflict (host_ip, poller_id, partition, last_sweep_time) do update set hostname = excluded.hostname`,
    "insert into S.netflow_metrics (timestamp, src_addr) values (now(), '10.0.0.9'), (now(), '10.0.0.9')"
  ],
  "v1.0.86": [
    `insert into S.timeseries_metrics (timestamp, gateway_id, metric_name, metric_type, value)
      values (now(), 'p', 'm', 'g', 1) on conflict (timestamp, gateway_id, metric_name) do nothing`,
    "insert into S.logs (timestamp, body) values (now(), 'b') on conflict (timestamp, id) do nothing",
    `insert into S.otel_metrics (timestamp, span_name, service_name, span_id) values (now(), 'n', 's', 'i')
      on conflict (timestamp, span_name, service_name, span_id) do nothing`,
    `insert into S.otel_traces (timestamp, trace_id, span_id, name) values (now(), 't', 's', 'n')
      on conflict (timestamp, trace_id, span_id) do nothing`
  ],
  final: [
    `insert into S.timeseries_metrics (timestamp, gateway_id, metric_name, metric_type, value, series_key)
      values (now(), 'p', 'm', 'g', 1, 'k') on conflict (timestamp, gateway_id, series_key) do nothing`,
    "insert into S.logs (timestamp, body) values (now(), 'b') on conflict (timestamp, id) do nothing",
    `insert into S.ocsf_events (id, time, class_uid, category_uid, type_uid, activity_id)
      values (gen_random_uuid(), now(), 1008, 1, 100801, 1) on conflict (time, id) do nothing`,
    `insert into S.otel_metrics (timestamp, span_name, service_name, span_id) values (now(), 'n', 's', 'i')
      on conflict (timestamp, span_name, service_name, span_id) do nothing`,
    `insert into S.otel_traces (timestamp, trace_id, span_id, name) values (now(), 't', 's', 'n')
      on conflict (timestamp, trace_id, span_id) do nothing`,
    `insert into S.ocsf_network_activity (time, src_endpoint_ip, ocsf_payload)
      values (now(), '10.0.0.9', '{}'), (now(), '10.0.0.9', '{}')`,
    `insert into S.otel_trace_summaries (trace_id, timestamp) values ('x', now())
      on conflict (trace_id) do update set timestamp = excluded.timestamp`
  ]
}

const tableIn = (statement: string): string => /into S\.(\w+)/.exec(statement)?.[1] ?? assert.fail(statement)

/** Where a table's own key keeps fewer rows than ours would. */
const narrower: Readonly<Record<string, ReadonlyArray<string>>> = {
  "v1.0.76": ["otel_metrics", "logs"],
  "v1.0.86": ["timeseries_metrics", "otel_metrics"],
  final: ["otel_metrics"]
}

layer(TestConnection.layer, { excludeTestServices: true, timeout: "60 seconds" })("Adoption", (it) => {
  it.effect.each(["v1.0.76", "v1.0.86", "final"])(
    "takes over the tables of %s with their rows, writes all streams once, and lets the other writer go on",
    (version) => {
      const schema = `of ${version.replaceAll(".", "_")}`
      return Effect.gen(function*() {
        const inserts = goInserts[version] ?? []
        const names = inserts.map(tableIn)
        yield* ForeignTables.make(schema, `${version}.sql`)
        const before = yield* contentsOf(schema, names)

        yield* prepare
        yield* prepare
        const after = yield* contentsOf(schema, names)
        const first = yield* writeAll()
        const again = yield* writeAll()
        const counts = yield* Effect.forEach(names, (name) => countOf(schema, name))
        const sql = yield* client
        yield* Effect.forEach(inserts, (text) => sql.unsafe(text.replaceAll("S.", `"${schema}".`)))

        assert.deepStrictEqual(after, before)
        for (const [table, inserted] of expected()) {
          const isNarrower = narrower[version]?.includes(table) === true
          if (isNarrower) assert.isAtLeast(first.get(table) ?? 0, 1)
          else assert.strictEqual(first.get(table), inserted, table)
        }
        assert.deepStrictEqual(Array.from(again.values()), Array.from(again, () => 0))
        const grown = yield* Effect.forEach(names, (name) => countOf(schema, name))
        assert.isTrue(grown.every((count, at) => count > (counts[at] ?? 0)), `${grown}`)
      }).pipe(Effect.provide(writerOf(schema)))
    }
  )

  it.effect("counts logs of one moment without a trace as repeated, where the key is time, trace and span", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("syslog", "v1.0.76.sql")
      yield* prepare
      const store = yield* EventStore
      const decode = EventDecoder.make({ tenantDefault: "acme" })
      const rows = Array.from(
        { length: 5 },
        (_, at) =>
          Result.getOrThrow(decode(message("logs.app", json({ message: `m${at}`, timestamp: 1_767_323_045 }), at + 1)))
      )
        .flatMap(({ content }): ReadonlyArray<EventRow> => content.rows)

      const first = yield* store.write("logs", rows)
      const again = yield* store.write("logs", rows)

      assert.deepStrictEqual([first, again], [{ inserted: 1, repeated: 4 }, { inserted: 0, repeated: 5 }])
    }).pipe(Effect.provide(writerOf("syslog"))))

  it.effect("writes the poller's name where a gateway was called so, and no number that is too big", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("olden", "v1.0.76.sql")
      yield* prepare
      const sql = yield* client
      yield* sql`alter table olden.ocsf_network_activity rename to ours`
      yield* ForeignTables.make("olden flows", "final.sql")
      yield* sql`alter table "olden flows".ocsf_network_activity set schema olden`
      yield* prepare
      const store = yield* EventStore
      const samples = decodedSamples()
      const [flow] = samples.get("ocsf_network_activity") ?? []
      assert.isTrue(flow !== undefined && "src_as_number" in flow)
      const rows: ReadonlyArray<EventRow> = flow !== undefined && "src_as_number" in flow
        ? [{ ...flow, src_as_number: null, dst_as_number: 64_512 }]
        : []

      yield* store.write("ocsf_network_activity", rows)
      yield* store.write("timeseries_metrics", samples.get("timeseries_metrics") ?? [])

      assert.deepStrictEqual(
        yield* sql`select src_as_number as big, dst_as_number as small from olden.ocsf_network_activity
          where ingest_id is not null`,
        [{ big: null, small: 64_512 }]
      )
      const pollers = yield* sql`select distinct poller_id as id from olden.timeseries_metrics where tenant_id = 'acme'`
      assert.deepInclude(pollers, { id: "gw-1" })
    }).pipe(Effect.provide(writerOf("olden"))))

  it.effect("summarizes traces of both writers, by trace where the summaries are", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("summed", "final.sql")
      yield* prepare
      yield* writeAll()

      yield* Effect.flatMap(TraceSummaries, (summaries) => summaries.refresh)

      const sql = yield* client
      const [old] = yield* sql`
        select tenant_id as tenant, span_count::int as spans, error_count::int as errors
        from summed.otel_trace_summaries where trace_id = 'old1'`
      assert.deepStrictEqual(old, { tenant: null, spans: 5, errors: 5 })
      assert.strictEqual(yield* countOf("summed", "otel_trace_summaries"), 10)
    }).pipe(Effect.provide(writerOf("summed"))))

  it.effect("makes summaries where there are none, for spans without a tenant too", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("unsummed", "v1.0.76.sql")
      yield* prepare

      const refreshed = yield* Effect.flatMap(TraceSummaries, (summaries) => summaries.refresh)

      assert.deepInclude(refreshed, { written: 10, isSkipped: false })
    }).pipe(Effect.provide(writerOf("unsummed"))))

  it.effect("names what cannot be taken over, makes the other tables ready, and looks again", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("unfit", "first-network-activity.sql")
      const eventTables = yield* EventTables

      const error = yield* Effect.flip(prepare)
      const unready = yield* Effect.flip(eventTables.ready)
      const store = yield* EventStore
      const samples = decodedSamples()
      const logs = yield* store.write("logs", samples.get("logs") ?? [])
      const refused = yield* Effect.flip(
        store.write("ocsf_network_activity", samples.get("ocsf_network_activity") ?? [])
      )
      const sql = yield* client
      yield* sql`alter table unfit.ocsf_network_activity rename to first_network_activity`
      const another = PgEventTables.layer({ schema: "unfit" })
      yield* Effect.provide(prepare, another)

      assert.strictEqual(unready.message, error.message)
      assert.deepInclude(error.reason._tag === "TablesUnfit" ? error.reason.problems : [], {
        table: "ocsf_network_activity",
        column: "tenant_id",
        found: "uuid",
        wanted: "text"
      })
      assert.include(error.message, "ocsf_network_activity.tenant_id is uuid, wanted text")
      assert.isAbove(logs.inserted, 0)
      assert.strictEqual(refused.reason._tag, "TableUnusable")
      assert.strictEqual(yield* countOf("unfit", "first_network_activity"), 1)
    }).pipe(Effect.provide(writerOf("unfit"))))

  it.effect("waits for nobody longer than half a second while it holds others up, and tries again", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("busy", "v1.0.76.sql")
      const sql = yield* client
      const [preparing, delayed] = yield* Effect.scoped(Effect.gen(function*() {
        const reader = yield* sql.reserve
        yield* Effect.acquireRelease(
          Effect.andThen(
            reader.execute("begin", [], undefined),
            reader.execute("select count(*) from busy.timeseries_metrics", [], undefined)
          ),
          () => Effect.ignore(reader.execute("rollback", [], undefined))
        )
        const fiber = yield* Effect.forkChild(prepare, { startImmediately: true })
        yield* eventually(
          "the adoption waits for the reader",
          sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'alter table "busy"%'`.pipe(
            Effect.map((found) => found.length > 0 ? Option.some(found) : Option.none())
          ),
          { within: "10 seconds" }
        )
        const [took] = yield* Effect.timed(
          sql`insert into busy.timeseries_metrics (timestamp, poller_id, metric_name, metric_type, value)
            values (now(), 'p', 'm', 'g', 1)`
        )
        return [fiber, took] as const
      }))
      yield* Fiber.join(preparing)

      assert.isBelow(Duration.toMillis(delayed), 3_000)
      assert.strictEqual(yield* countOf("busy", "timeseries_metrics"), 51)
    }).pipe(Effect.provide(writerOf("busy"))))

  it.effect("is done by several programs at once", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("rivals", "v1.0.76.sql")

      yield* Effect.all(
        Array.from({ length: 3 }, () => Effect.retry(prepare, { times: 200 })),
        { concurrency: "unbounded" }
      )

      assert.isAbove((yield* writeAll()).get("logs") ?? 0, 0)
    }).pipe(Effect.provide(writerOf("rivals"))))

  it.effect("makes an index anew that an attempt has left unfinished", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("halfway", "v1.0.76.sql")
      const sql = yield* client
      yield* sql`alter table halfway.netflow_metrics add column tenant_id text, add column ingest_id uuid`
      yield* sql`create unique index netflow_metrics_event_writer_key
        on halfway.netflow_metrics (tenant_id, timestamp, ingest_id)`
      yield* sql`update pg_index set indisvalid = false
        where indexrelid = 'halfway.netflow_metrics_event_writer_key'::regclass`

      yield* prepare

      assert.deepStrictEqual(
        yield* sql`select indisvalid as valid from pg_index
          where indexrelid = 'halfway.netflow_metrics_event_writer_key'::regclass`,
        [{ valid: true }]
      )
    }).pipe(Effect.provide(writerOf("halfway"))))

  it.effect("removes old rows of adopted tables only where that is asked for", () => {
    const schema = "pruned"
    return Effect.gen(function*() {
      yield* ForeignTables.make(schema, "v1.0.76.sql")
      yield* prepare

      const maintained = yield* Effect.flatMap(EventTables, (tables) => tables.maintain)

      assert.strictEqual(yield* countOf(schema, "logs"), 10)
      assert.strictEqual(yield* countOf(schema, "otel_traces"), 50)
      assert.deepStrictEqual(maintained.removedRows, 0)
    }).pipe(Effect.provide(writerOf(schema, { retention: { logs: Duration.minutes(10.5 * 60) } })))
  })

  it.effect("leaves the parts of a hypertable to TimescaleDB, and its policy to its owner unless told", () => {
    const schema = "hyper"
    const ask = { logs: Duration.days(2) }
    return Effect.gen(function*() {
      yield* ForeignTables.make(schema, "v1.0.76.sql")
      const sql = yield* client
      // Stands for TimescaleDB, which the tests' server does not have: what is asked of it is written down.
      yield* sql`create schema timescaledb_information`
      yield* sql`create view timescaledb_information.hypertables as
        select 'hyper'::name as hypertable_schema, unnest(array['logs', 'otel_traces'])::name as hypertable_name`
      yield* sql`create table asked (text text)`
      yield* sql`create function remove_retention_policy(named regclass, if_exists bool) returns void language sql as
        $$ insert into asked values ('remove ' || named) $$`
      yield* sql`create function add_retention_policy(named regclass, drop_after interval, if_not_exists bool)
        returns int language sql as $$ insert into asked values ('add ' || named || ' ' || drop_after) returning 1 $$`

      yield* prepare
      const maintained = yield* Effect.flatMap(EventTables, (tables) => tables.maintain)
      const written = yield* writeAll()
      const again = yield* writeAll()

      assert.deepStrictEqual(yield* sql`select text from asked`, [
        { text: "remove hyper.logs" },
        { text: "add hyper.logs 48:00:00" }
      ])
      assert.strictEqual(maintained.removedRows, 0)
      assert.strictEqual(yield* countOf(schema, "logs"), 50 + (written.get("logs") ?? 0))
      assert.strictEqual(again.get("logs"), 0)
      yield* sql`drop schema timescaledb_information cascade`
    }).pipe(Effect.provide(writerOf(schema, { retention: ask })))
  })

  it.effect("only says what is missing where it may change nothing, of the tables that are written", () => {
    const schema = "untouched"
    const looking = PgEventTables.layer({
      schema,
      mayChange: false,
      tables: () => ["logs", "netflow_metrics", "ocsf_events"]
    })
    return Effect.gen(function*() {
      yield* ForeignTables.make(schema, "v1.0.76.sql")
      const sql = yield* client
      const columns = sql`select count(*)::int as count from information_schema.columns where table_schema = ${schema}`
      const before = yield* columns

      const error = yield* Effect.flip(Effect.provide(prepare, looking))
      const summaries = yield* Effect.flatMap(TraceSummaries, (summaries) => summaries.refresh)
      const after = yield* columns
      yield* prepare
      yield* Effect.provide(prepare, looking)

      assert.deepStrictEqual(after, before)
      assert.isTrue(summaries.isSkipped)
      const problems = error.reason._tag === "TablesUnfit" ? error.reason.problems : []
      assert.deepInclude(problems, { table: "ocsf_events", column: "", found: "missing", wanted: "a table" })
      assert.deepInclude(problems, {
        table: "netflow_metrics",
        column: "tenant_id, ingest_id",
        found: "missing",
        wanted: "text, uuid"
      })
      assert.deepInclude(problems, {
        table: "netflow_metrics",
        column: "tenant_id, timestamp, ingest_id",
        found: "missing",
        wanted: "a unique index"
      })
      assert.isFalse(problems.some(({ table }) => table === "otel_traces"))
    }).pipe(Effect.provide(writerOf(schema)))
  })

  it.effect("needs no more than one connection", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("single", "v1.0.76.sql")
      const { url } = yield* TestDatabase
      const alone = PgConnection.layer({ maxConnections: 1 }).pipe(
        Layer.provide(DatabaseEndpoint.layer(Option.some(url)))
      )

      const refreshed = yield* Effect.gen(function*() {
        yield* Effect.forkScoped((yield* PgConnection).keep)
        yield* TestConnection.awaitReady
        yield* prepare
        yield* writeAll()
        return yield* Effect.flatMap(TraceSummaries, (summaries) => summaries.refresh)
      }).pipe(
        Effect.provide(writerOf("single").pipe(Layer.provideMerge(alone))),
        Effect.scoped,
        Effect.timeout("20 seconds")
      )

      assert.isFalse(refreshed.isSkipped)
    }))

  it.effect("makes an index that only the summaries need later, so that writing need not wait for it", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("later", "v1.0.76.sql")
      const sql = yield* client
      const written = sql<{ count: number }>`select count(*)::int as count from pg_indexes
        where schemaname = 'later' and indexdef like '%otel_traces%(created_at)%'`

      yield* prepare
      const before = yield* written
      const eventTables = yield* EventTables
      yield* Effect.all([eventTables.maintain, eventTables.maintain], { concurrency: 2 })
      const after = yield* written

      assert.deepStrictEqual([before, after], [[{ count: 0 }], [{ count: 1 }]])
    }).pipe(Effect.provide(writerOf("later"))))
})
