import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schema, Stream } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { rowRules } from "../../../src/domain/queries/RowRules.ts"
import * as CoreMigrations from "../../../src/layers/core/migrations/migrations.ts"
import * as EventMigrations from "../../../src/layers/events/store/migrations/migrations.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as MigrationRunner from "../../../src/layers/postgres/migrations/MigrationRunner.ts"
import * as PgQueries from "../../../src/layers/queries/PgQueries.ts"
import { queryRoute } from "../../../src/layers/queries/QueryRoute.ts"
import { Queries, type Question } from "../../../src/services/queries/Queries.ts"
import { QueryAskers } from "../../../src/services/queries/QueryAskers.ts"
import * as Program from "../../support/Program.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const rows = [
  `insert into reporting_pollers values ('p1', 'site', '10.0.0.1', now() - interval '1 d', now(), 30000, false),
    ('p2', 'site', '10.0.0.2', now() - interval '1 d', now() - interval '1 h', 30000, true)`,
  `insert into service_state select 'site', 'a1', 'port', 'web', 'p1', '10.0.0.1', true, 1, '{}', 'grpc', '', now(), now(), now()`,
  `insert into service_status_history
    select timestamptz '2026-03-05T12:00:00Z' + n * interval '1 min', 'p1', 'a1', 'port', 'web', int4send(n), 'site', n <> 7, 1, '{}', 'grpc', '', now()
    from generate_series(0, 9) n`,
  `insert into platform.logs (tenant_id, timestamp, severity_text, service_name, body)
    select (array['default', 'other'])[1 + n % 2], timestamptz '2026-03-05T12:00:00Z' + n * interval '1 min', (array['ERROR', 'warn', 'Info'])[1 + n % 3], 'api', 'b'
    from generate_series(0, 11) n`,
  `insert into platform.otel_traces (tenant_id, timestamp, trace_id, span_id, service_name, status_code, start_time_unix_nano, end_time_unix_nano)
    select 'default', timestamptz '2026-03-05T12:00:00Z' + n * interval '1 min', 't' || n, 's', 'api', 1 + n % 2, 0, n * 1000000
    from generate_series(0, 3) n`,
  `insert into platform.event_writer_trace_summaries (tenant_id, trace_id, timestamp, duration_ms, span_count)
    values ('default', 't1', now(), 12.5, 3)`,
  `insert into platform.ocsf_events (id, time, class_uid, category_uid, type_uid, activity_id, activity_name, severity_id, severity, message, log_name, log_provider, device)
    values (gen_random_uuid(), '2026-03-05T12:00:00Z', 1008, 1, 100801, 1, 'Create', 4, 'High', 'disk full', 'events.syslog', 'core', '{"hostname":"h1"}')`,
  `insert into platform.timeseries_metrics (timestamp, gateway_id, series_key, metric_name, metric_type, value, is_delta)
    values (now(), 'g', 's', 'ifInOctets', 'snmp', 1, false), (now(), 'g', 's2', 'bandwidth', 'rperf', 1, false)`
]

const database = Layer.effectDiscard(Effect.gen(function*() {
  const { url } = yield* TestDatabase
  const sql = yield* PgClient.make({ url, maxConnections: 1 })
  yield* sql`create schema platform`
  for (const migrations of [CoreMigrations.migrations, EventMigrations.migrations("platform")]) {
    yield* Effect.provideService(MigrationRunner.migrate(migrations), SqlClient.SqlClient, sql)
  }
  yield* Effect.forEach(rows, (statement) => sql.unsafe(statement))
  const connection = yield* PgConnection
  yield* Effect.forkScoped(connection.keep)
  yield* Program.eventually("a connection", Effect.option(connection.client), { within: "20 seconds", programs: [] })
})).pipe(Layer.provide(Reactivity.layer))

const queries = Layer.mergeAll(
  QueryAskers.layerOperators,
  PgQueries.layer({ catalog: coreCatalog, rules: rowRules }),
  database
).pipe(
  Layer.provide(
    Layer.unwrap(
      Effect.map(
        TestDatabase,
        ({ url }) =>
          PgConnection.layer({ maxConnections: 4 }).pipe(Layer.provide(DatabaseEndpoint.layer(Option.some(url))))
      )
    )
  ),
  Layer.provideMerge(Reactivity.layer),
  Layer.provideMerge(TestDatabase.layer)
)

const decodeRow = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const ask = (text: string, more: Partial<Question> = {}) =>
  Queries.use(({ page }) =>
    Effect.map(page({ text, style: "service", tenant: null, ...more }), ({ rows }) => rows.map((row) => decodeRow(row)))
  )

const span = "time:[2026-03-05T12:00:00Z,2026-03-05T12:30:00Z]"

layer(queries, { excludeTestServices: true, timeout: "60 seconds" })("Tables of core and the event writer", (it) => {
  it.effect("answer under the names that queries have for them, in both shapes", () =>
    Effect.gen(function*() {
      for (
        const [entity, count] of [
          ["services", 10],
          ["gateways", 2],
          ["agents", 1],
          ["logs", 12],
          ["traces", 4],
          ["trace_summaries", 1],
          ["timeseries_metrics", 2],
          ["snmp_metrics", 1],
          ["rperf_metrics", 1],
          ["otel_metrics", 0],
          ["events", 1],
          ["flows", 0]
        ] as const
      ) {
        assert.lengthOf(yield* ask(`in:${entity}`), count, entity)
        assert.lengthOf(yield* ask(`in:${entity}`, { style: "web" }), count, entity)
      }
      const none = yield* Effect.flip(ask("in:alerts"))
      assert.include(none.message, "this database has no alerts")
      assert.deepInclude((yield* ask("in:gateways is_healthy:false"))[0], { gateway_id: "p2", status: "inactive" })
      assert.deepInclude((yield* ask("in:gateways gateway_id:p1"))[0], { agent_count: 1, checker_count: 1 })
      assert.deepInclude((yield* ask("in:events severity:High level:4 host:h1"))[0], {
        event_timestamp: "2026-03-05T12:00:00.000000Z",
        short_message: "disk full",
        source: "core"
      })
      const services = yield* ask("in:services service_name:web")
      assert.lengthOf(new Set(services.map((row) => row["uid"])), 1)
    }))

  it.effect("are counted for rollup_stats", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ask(`in:logs ${span} rollup_stats:severity`), [
        { total: 12, fatal: 0, error: 4, warning: 4, info: 4, debug: 0 }
      ])
      assert.deepStrictEqual(yield* ask(`in:logs ${span} rollup_stats:severity service_name:none`), [
        { total: 0, fatal: 0, error: 0, warning: 0, info: 0, debug: 0 }
      ])
      assert.deepStrictEqual(yield* ask(`in:traces ${span} rollup_stats:summary`), [
        { total: 4, errors: 2, avg_duration_ms: 1.5, p95_duration_ms: 2.8499999999999996 }
      ])
      // The eighth report said that it was down.
      assert.deepStrictEqual(yield* ask(`in:services ${span} rollup_stats:availability service_type:port`), [
        { total: 2, available: 1, unavailable: 1, availability_pct: 50 }
      ])
    }))

  it.effect("are a tenant's own through these names too", () =>
    Effect.gen(function*() {
      assert.lengthOf(yield* ask("in:logs", { tenant: "other" }), 6)
      assert.deepInclude((yield* ask(`in:logs ${span} rollup_stats:severity`, { tenant: "other" }))[0], { total: 6 })
      assert.lengthOf(yield* ask("in:logs", { tenant: "" }), 0)
      assert.lengthOf(yield* ask("in:trace_summaries", { tenant: "other" }), 0)
      assert.lengthOf(yield* ask("in:trace_summaries", { tenant: "default" }), 1)
      const refused = yield* Effect.flip(ask("in:services", { tenant: "other" }))
      assert.include(refused.message, "permission denied")
    }))

  it.effect(
    "are followed: every row that a later query finds came live, to a slow reader too, who is told",
    () =>
      Effect.gen(function*() {
        const { url } = yield* TestDatabase
        const sql = yield* PgClient.make({ url, maxConnections: 4 })
        const texts = "in:logs body:live-% limit:20"
        const insert = (from: number, count: number) =>
          sql.unsafe(
            `insert into platform.logs (tenant_id, timestamp, body) select 'default', now() - n * interval '1 s', 'live-' || n
            from generate_series($1::int, $2::int) n`,
            [from, from + count - 1]
          )
        yield* insert(0, 10)
        const total = 10_010
        const reader = (pause: (rows: number) => Effect.Effect<void>) =>
          Effect.gen(function*() {
            const rows: Array<string> = []
            let late = 0
            const events = yield* Queries.use(({ live }) => live({ text: texts, style: "web", tenant: null }))
            yield* events.pipe(
              Stream.tap((event) => {
                if (event._tag === "Late") late += event.seconds
                else rows.push(String(decodeRow(event.row)["body"]))
                return pause(rows.length)
              }),
              Stream.takeUntil(() => rows.length === total),
              Stream.runDrain
            )
            return { rows, late }
          })
        const slow = (rows: number) => rows === 2_000 ? Effect.sleep("7 seconds") : Effect.void
        const readers = yield* Effect.forkChild(
          Effect.all([reader(() => Effect.void), reader(slow)], { concurrency: 2 })
        )
        // Transactions that end in another order than they began.
        yield* Effect.forEach(
          Array.from({ length: 20 }, (_, at) => at),
          (at) =>
            sql.withTransaction(
              Effect.andThen(insert(10 + at * 500, 500), sql.unsafe("select pg_sleep($1::float8)", [at % 4 * 0.7]))
            ),
          { concurrency: 4, discard: true }
        )
        const [fast, behind] = yield* Effect.timeout(Fiber.join(readers), "60 seconds")
        const found = yield* ask("in:logs body:live-% limit:10000")
        const all = Array.from({ length: total }, (_, at) => `live-${at}`).sort()
        assert.lengthOf(found, 10_000)
        assert.deepStrictEqual([...fast.rows].sort(), all)
        assert.deepStrictEqual([...behind.rows].sort(), all)
        assert.strictEqual(fast.late, 0)
        assert.isAtLeast(behind.late, 5)
      }),
    90_000
  )

  it.effect("cannot be followed where nothing tells when a row was stored, or where something is computed", () =>
    Effect.gen(function*() {
      const refusal = (text: string) =>
        Effect.flip(Queries.use(({ live }) => live({ text, style: "web", tenant: null })))
      assert.include((yield* refusal("in:agents")).message, "live queries are not supported for agents")
      assert.include((yield* refusal("in:logs stats:count() as n")).message, "live queries answer rows")
      assert.include((yield* refusal("in:alerts")).message, "this database has no")
    }))

  it.effect("are followed over HTTP as server-sent events", () =>
    Effect.gen(function*() {
      const post = queryRoute.post
      if (post === undefined) return assert.fail("no POST")
      const response = yield* post(
        new URLSearchParams(),
        JSON.stringify({ query: "in:gateways sort:gateway_id:asc", live: true })
      )
      assert.strictEqual(response.status, 400)
      const events = yield* post(new URLSearchParams(), JSON.stringify({ query: "in:services limit:2", live: true }))
      assert.strictEqual(events.headers["content-type"], "text/event-stream")
      const body = HttpServerResponse.toWeb(events).body
      if (body === null) return assert.fail("no body")
      const first = yield* Effect.promise(async () => {
        const reader = body.pipeThrough(new TextDecoderStream()).getReader()
        let text = ""
        while (text.split("\n\n").length < 3) text += (await reader.read()).value ?? ""
        await reader.cancel()
        return text
      })
      assert.match(first, /^data: \{.*"service_name".*\}\n\ndata: \{/)
    }))
})
