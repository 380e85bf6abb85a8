import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Option, Schema, Stream } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { rowRules } from "../../../src/domain/queries/RowRules.ts"
import { superSystem } from "../../../src/domain/records/Actor.ts"
import * as Cursor from "../../../src/domain/srql/language/Cursor.ts"
import type { RowStyle } from "../../../src/domain/srql/plan/RowText.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as RowSecurity from "../../../src/layers/postgres/connection/RowSecurity.ts"
import * as PgQueries from "../../../src/layers/queries/PgQueries.ts"
import { queryRoute } from "../../../src/layers/queries/QueryRoute.ts"
import { Precedence } from "../../../src/services/queries/Precedence.ts"
import { type Page, Queries, type Question } from "../../../src/services/queries/Queries.ts"
import { QueryAskers } from "../../../src/services/queries/QueryAskers.ts"
import { rowEntities } from "../../domain/queries/asking.ts"
import { generator } from "../../domain/srql/language/queries.ts"
import * as Program from "../../support/Program.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"
import { fill, postgresTypes } from "./tables.ts"

const options = { catalog: coreCatalog, rules: rowRules }

const database = Layer.unwrap(Effect.map(TestDatabase, ({ url }) =>
  Layer.mergeAll(
    Layer.effect(PgClient.PgClient, PgClient.make({ url, maxConnections: 2 })).pipe(Layer.provide(Reactivity.layer)),
    PgConnection.layer({ maxConnections: 4 }).pipe(Layer.provide(DatabaseEndpoint.layer(Option.some(url))))
  ))).pipe(Layer.provide(TestDatabase.layer))

const connected = Layer.effectDiscard(Effect.gen(function*() {
  const connection = yield* PgConnection
  yield* Effect.forkScoped(connection.keep)
  yield* Program.eventually("a connection", Effect.option(connection.client), { within: "20 seconds", programs: [] })
}))

const queries = Layer.mergeAll(QueryAskers.layerOperators, PgQueries.layer(options), connected).pipe(
  Layer.provideMerge(database)
)

const plain = rowEntities.filter(({ always, latest }) => latest === null && always === null)

const Row = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeRow = Schema.decodeUnknownSync(Row)

const asked = (text: string, more: Partial<Question> = {}): Question => ({ text, style: "web", tenant: null, ...more })

const page = (text: string, more: Partial<Question> = {}) => Queries.use(({ page }) => page(asked(text, more)))

const refusal = (text: string, more: Partial<Question> = {}) => Effect.flip(page(text, more))

/** With limits of its own, over the same connection. */
const limited = <A, E, R>(limits: PgQueries.QueryLimits, body: Effect.Effect<A, E, R>) =>
  Effect.provide(body, Layer.fresh(PgQueries.layer({ ...options, ...limits })))

const keysOf = (rows: ReadonlyArray<string>): ReadonlyArray<string> => Object.keys(decodeRow(rows[0] ?? "{}"))

layer(queries, { excludeTestServices: true, timeout: "60 seconds" })("Queries on PostgreSQL", (it) => {
  it.effect(
    "answer rows of every entity, written for the web and as the standalone service does",
    () =>
      Effect.gen(function*() {
        for (const entity of plain) {
          yield* fill(entity, generator(11), 40)
          const columns = entity.columns.map(({ name }) => name)
          const web = yield* page(`in:${entity.name} limit:40`)
          assert.lengthOf(web.rows, 40)
          assert.deepStrictEqual(keysOf(web.rows).slice(0, columns.length), columns)
          const service = yield* page(`in:${entity.name} limit:40`, { style: "service" })
          const keys = keysOf(service.rows)
          const rule = rowRules.get(entity.name) ?? {}
          assert.deepStrictEqual(keys, [
            ...columns.filter((name) => rule.absent?.includes(name) !== true).map((name) =>
              rule.renamed?.[name] ?? name
            ),
            ...Object.keys(rule.added ?? {})
          ])
          for (const [name] of Object.entries(rule.defaults ?? {})) {
            assert.isTrue(service.rows.every((row) => decodeRow(row)[name] !== null), `${entity.name}.${name}`)
          }
        }
        const device = keysOf((yield* page("in:devices limit:1")).rows)
        assert.includeMembers([...device], ["uid", "device_type", "first_seen", "last_seen"])
      }),
    60_000
  )

  it.effect("keep whole numbers, fractions of seconds and what JSON has no number for", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from memory_metrics")
      yield* sql.unsafe(
        `insert into memory_metrics (timestamp, used_bytes, usage_percent, host_id) values
          ('2026-03-05T12:00:00.123456Z', 9223372036854775807, 'NaN', 'h"''1'), ('infinity', 1, 1.5, null)`
      )
      const { rows } = yield* page("in:memory sort:timestamp:asc")
      assert.include(rows[0], "9223372036854775807")
      assert.deepInclude(decodeRow(rows[0]), {
        timestamp: "2026-03-05T12:00:00.123456Z",
        usage_percent: "NaN",
        host_id: "h\"'1"
      })
      assert.deepInclude(decodeRow(rows[1]), { timestamp: "infinity", usage_percent: 1.5, host_id: null })
    }))

  it.effect("count, aggregate and downsample in both styles", () =>
    Effect.gen(function*() {
      const styles: ReadonlyArray<RowStyle> = ["web", "service"]
      const counted = yield* Effect.forEach(styles, (style) => page("in:devices stats:count() as down", { style }))
      assert.deepStrictEqual(counted.map(({ rows }) => rows[0]?.replaceAll(" ", "")), ["40", "{\"down\":40}"])
      const grouped = yield* page("in:agents stats:\"count() as n by type\"")
      assert.strictEqual(grouped.rows.reduce((sum, row) => sum + Number(decodeRow(row)["n"]), 0), 40)
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from cpu_metrics")
      yield* sql.unsafe(
        "insert into cpu_metrics (timestamp, usage_percent, core_id) select now() - n * interval '10 s', n, n % 2 from generate_series(1, 60) n"
      )
      const buckets = yield* page("in:cpu time:last_1h bucket:5m series:core_id")
      assert.isAtLeast(buckets.rows.length, 4)
      assert.match(String(decodeRow(buckets.rows[0])["timestamp"]), /^\d{4}-\d\d-\d\dT\d\d:\d[05]:00\.000000Z$/)
    }))

  it.effect("are of the time at which they are asked for, also when they were asked for before", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from disk_metrics")
      const text = "in:disk_metrics time:last_15m"
      for (const actor of [undefined, superSystem]) {
        const before = yield* page(text, { actor })
        yield* sql.unsafe(
          "insert into disk_metrics (timestamp, mount_point) values (date_trunc('milliseconds', now()), '/')"
        )
        const { rows } = yield* page(text, { actor })
        assert.strictEqual(rows.length, before.rows.length + 1)
      }
    }))

  it.effect("show a tenant its own rows only, and tell the database whose they are", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* Effect.provideService(RowSecurity.separate("public", ["ocsf_agents"]), SqlClient.SqlClient, sql)
      assert.lengthOf((yield* page("in:agents limit:100", { tenant: "odd" })).rows, 20)
      assert.lengthOf((yield* page("in:agents limit:100", { tenant: "nobody" })).rows, 0)
      yield* sql.unsafe(
        "create or replace view told as select current_setting('serviceradar.tenant') as gateway_id, current_setting('transaction_read_only') as status, current_user::text as component_id"
      )
      yield* sql.unsafe("alter table gateways rename to real_gateways")
      yield* sql.unsafe(
        `create view gateways as select ${
          coreCatalog.entity("gateways")?.columns.map(({ name, type }) =>
            ["gateway_id", "status", "component_id"].includes(name)
              ? `told.${name}`
              : `null::${postgresTypes[type]} as ${name}`
          ).join(", ")
        }, 'odd'::text as tenant_id from told`
      )
      const refused = yield* refusal("in:gateways", { tenant: "odd" })
      assert.include(refused.message, "permission denied")
      yield* sql.unsafe(`grant select on gateways to ${RowSecurity.role}`)
      const { rows } = yield* page("in:gateways", { tenant: "odd" })
      assert.deepInclude(decodeRow(rows[0]), { gateway_id: "odd", status: "on", component_id: RowSecurity.role })
      yield* sql.unsafe("drop view gateways")
      yield* sql.unsafe("alter table real_gateways rename to gateways")
    }))

  it.effect("are followed page by page, by offset and by the last row", () =>
    Effect.gen(function*() {
      const first = yield* page("in:agents sort:uid:asc", { limit: 15 })
      assert.strictEqual(first.prevCursor, null)
      const second = yield* page("in:agents sort:uid:asc", { limit: 15, cursor: first.nextCursor ?? "" })
      const third = yield* page("in:agents sort:uid:asc", { limit: 15, cursor: second.nextCursor ?? "" })
      assert.deepStrictEqual([first, second, third].map(({ rows }) => rows.length), [15, 15, 10])
      assert.strictEqual(third.nextCursor, null)
      assert.isNotNull(third.prevCursor)

      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("update ocsf_devices set uid = 'd' || row_number_")
      const seen: Array<string> = []
      let cursor: string | null | undefined
      while (cursor !== null) {
        const keyset: { readonly rows: ReadonlyArray<string>; readonly nextCursor: string | null } = yield* page(
          "in:devices sort:hostname:desc limit:7",
          { withKeyset: true, cursor }
        )
        seen.push(...keyset.rows)
        cursor = keyset.nextCursor
      }
      assert.lengthOf(seen, 40)
    }))

  it.effect("are followed without losing or repeating one of those that are equal in the order and in the key", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from otel_metrics")
      yield* sql.unsafe("alter table otel_metrics add column ingest_id uuid default gen_random_uuid()")
      yield* sql.unsafe(
        `insert into otel_metrics (timestamp, service_name, http_route)
          select '2026-03-05T12:00:00Z', 's', case when n % 2 = 0 then '/' || n end from generate_series(1, 200) n`
      )
      const whole = yield* page("in:otel_metrics limit:1000")
      assert.lengthOf(whole.rows, 200)
      for (const withKeyset of [true, false]) {
        for (const order of ["", " sort:service_name:asc", " sort:duration_ms"]) {
          const seen: Array<string> = []
          let cursor: string | null | undefined
          while (cursor !== null) {
            const { nextCursor, rows }: Page = yield* page(`in:otel_metrics limit:7${order}`, { withKeyset, cursor })
            seen.push(...rows)
            cursor = nextCursor
          }
          assert.deepStrictEqual(seen.toSorted(), whole.rows.toSorted(), `${order} ${withKeyset}`)
        }
      }
      const groups = yield* page("in:otel_metrics stats:\"count() as n by http_route\" limit:1000")
      const first = yield* page("in:otel_metrics stats:\"count() as n by http_route\" limit:50")
      const second = yield* page("in:otel_metrics stats:\"count() as n by http_route\" limit:51", {
        cursor: Cursor.encode({ _tag: "Offset", offset: 50 })
      })
      assert.deepStrictEqual([...first.rows, ...second.rows], groups.rows)
    }))

  it.effect("are followed without losing one of two series that differ in what is no part of a row", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from timeseries_metrics")
      yield* sql.unsafe(
        `insert into timeseries_metrics (timestamp, gateway_id, metric_name, metric_type, value, series_key)
        select '2026-03-05T12:00:00Z', 'g', 'load', 'gauge', n, 'series ' || n from generate_series(1, 20) n`
      )
      const seen: Array<unknown> = []
      let cursor: string | null | undefined
      while (cursor !== null) {
        const answer: { readonly rows: ReadonlyArray<string>; readonly nextCursor: string | null } = yield* page(
          "in:timeseries limit:7",
          { withKeyset: true, cursor }
        )
        seen.push(...answer.rows.map((row) => decodeRow(row)["value"]))
        assert.notProperty(decodeRow(answer.rows[0]), "series_key")
        cursor = answer.nextCursor
      }
      assert.lengthOf(new Set(seen), 20)
    }))

  it.effect("are refused with a place, a limit or what is missing", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const wrong = yield* refusal("in:agents nmae:x")
      assert.include(wrong.message, "did you mean name?")
      const cursor = yield* refusal("in:agents", { cursor: "?" })
      assert.include(cursor.message, "invalid cursor")
      yield* sql.unsafe("alter table logs rename to elsewhere")
      const missing = yield* refusal("in:logs")
      yield* sql.unsafe("alter table elsewhere rename to logs")
      assert.strictEqual(missing.message, "this database has no logs: relation \"logs\" does not exist")
      const large = yield* limited({ bytesMax: 1_000 }, refusal("in:agents"))
      assert.include(large.message, "larger than 1000 bytes")
      const costly = yield* limited({ costMax: 0.1 }, refusal("in:agents stats:count() as n"))
      assert.match(costly.message, /estimated to cost \d+, more than 0.1/)
      assert.lengthOf(
        (yield* limited({ costMax: 0.1 }, page("in:agents stats:count() as n", { isCostly: true }))).rows,
        1
      )
      assert.lengthOf((yield* limited({ rowsMax: 3 }, page("in:agents limit:100"))).rows, 3)
    }))

  it.effect("end at the server when they take too long, or when nobody waits for them", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("alter table alerts rename to real_alerts")
      yield* sql.unsafe("create view alerts as select real_alerts.* from real_alerts, pg_sleep(30)")
      const running = Effect.map(
        sql.unsafe(
          "select 1 from pg_stat_activity where state = 'active' and query like '%''source_type''%' and pid <> pg_backend_pid()"
        ),
        (rows) => rows.length
      )
      const slow = yield* limited({ timeoutSeconds: 1 }, refusal("in:alerts"))
      assert.include(slow.message, "took longer than 1 s")
      const waiting = yield* limited(
        { atOnce: 1, patienceSeconds: 1, timeoutSeconds: 3 },
        Effect.flip(Effect.all([page("in:alerts"), page("in:agents")], { concurrency: 2 }))
      )
      assert.include(waiting.message, "1 queries are being answered, which is as many as may be at once")
      const asking = yield* Effect.forkChild(page("in:alerts"))
      yield* Program.eventually("it runs", Effect.map(running, Option.liftPredicate((count) => count === 1)), {
        within: "10 seconds",
        programs: []
      })
      const before = yield* Clock.currentTimeMillis
      yield* Fiber.interrupt(asking)
      yield* Program.eventually("it has ended", Effect.map(running, Option.liftPredicate((count) => count === 0)), {
        within: "10 seconds",
        programs: []
      })
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 15_000)
      yield* sql.unsafe("drop view alerts")
      yield* sql.unsafe("alter table real_alerts rename to alerts")
    }), 60_000)

  it.effect("stream as many rows as are asked for, and stop when their reader does", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from disk_metrics")
      yield* sql.unsafe(
        "insert into disk_metrics (timestamp, host_id, total_bytes) select now(), 'h' || n, n from generate_series(1, 30000) n"
      )
      const all = Queries.use(({ rows }) => Effect.flatMap(rows(asked("in:disk limit:1000000")), Stream.runCount))
      assert.strictEqual(yield* all, 30_000)
      const some = Queries.use(({ rows }) =>
        Effect.flatMap(rows(asked("in:disk limit:1000000")), (all) => Stream.runCount(Stream.take(all, 10)))
      )
      assert.strictEqual(yield* some, 10)
      assert.strictEqual(yield* all, 30_000)
    }), 60_000)

  it.effect(
    "have their first rows, or a refusal, before there is a stream, and are given up when nobody begins to read it",
    () =>
      Effect.gen(function*() {
        const sql = yield* PgClient.PgClient
        const open = Effect.map(
          sql.unsafe(
            "select 1 from pg_stat_activity where query like '%FROM answer' and state = 'idle in transaction' and pid <> pg_backend_pid()"
          ),
          Option.liftPredicate((rows) => rows.length === 0)
        )
        const refused = yield* limited(
          { atOnce: 1, patienceSeconds: 1 },
          Effect.gen(function*() {
            const { rows } = yield* Queries
            const unread = yield* rows(asked("in:disk limit:1000000"))
            const impatient = yield* Effect.flip(rows(asked("in:disk limit:1000000")))
            yield* Program.eventually("it was given up", open, { within: "30 seconds", programs: [] })
            // Its place is free again.
            yield* Program.eventually(
              "an answer",
              Effect.option(Effect.flatMap(rows(asked("in:disk limit:30000")), Stream.runCount)),
              { within: "10 seconds", programs: [] }
            )
            yield* Stream.runDrain(unread).pipe(Effect.exit)
            return impatient
          })
        )
        assert.include(refused.message, "as many as may be at once")
      }),
    60_000
  )

  it.effect(
    "let go of their snapshot while reports go before them, and answer what they would have",
    () =>
      Effect.gen(function*() {
        const sql = yield* PgClient.PgClient
        yield* sql.unsafe("delete from disk_metrics")
        yield* sql.unsafe(
          "insert into disk_metrics (timestamp, host_id, total_bytes) select now(), 'h' || n, n from generate_series(1, 30000) n"
        )
        const snapshots = Effect.map(
          sql.unsafe(
            "select 1 from pg_stat_activity where application_name = 'serviceradar queries' and backend_xmin is not null"
          ),
          (rows) => rows.length
        )
        const held: Array<number> = []
        const seen = yield* limited(
          {},
          Effect.gen(function*() {
            const { rows } = yield* Queries
            const precedence = yield* Precedence
            yield* Effect.forkScoped(precedence.around(Effect.never))
            const all = yield* rows(asked("in:disk sort:host_id:asc limit:1000000"))
            let count = 0
            yield* Stream.runForEachArray(all, (some) =>
              Effect.gen(function*() {
                if (count === 0) {
                  held.push(yield* snapshots)
                  yield* sql.unsafe("update disk_metrics set total_bytes = -1")
                  yield* Effect.sleep("3 seconds")
                }
                count += some.length
                if (count > 15_000) held.push(yield* snapshots)
                assert.isFalse(some.some((row) => row.includes("\"total_bytes\" : -1,")))
              }))
            return count
          }).pipe(Effect.scoped)
        ).pipe(Effect.provide(Precedence.layer))
        assert.strictEqual(seen, 30_000)
        assert.strictEqual(held[0], 1)
        assert.strictEqual(held.at(-1), 0)
      }),
    60_000
  )

  it.effect("refuse whoever would follow beside as many as may, before anything is answered", () =>
    limited(
      { liveMax: 1 },
      Effect.gen(function*() {
        const { live } = yield* Queries
        const first = yield* live(asked("in:logs limit:1"))
        const second = yield* Effect.flip(live(asked("in:logs limit:1")))
        assert.strictEqual(second._tag === "QueryError" ? second.reason._tag : "", "TooManyQuestions")
        const reading = yield* Effect.forkChild(Stream.runDrain(first))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(reading)
        yield* Effect.flatMap(live(asked("in:logs limit:1")), (rows) => Stream.runDrain(Stream.take(rows, 0)))
      })
    ))

  it.effect("are answered over HTTP as the existing system answers them", () =>
    Effect.gen(function*() {
      const bodyOf = (response: HttpServerResponse.HttpServerResponse) =>
        Effect.promise(() => HttpServerResponse.toWeb(response).text())
      const post = queryRoute.post
      if (post === undefined) return assert.fail("no POST")
      const good = yield* post(new URLSearchParams(), JSON.stringify({ query: "in:agents", limit: "2" }))
      assert.strictEqual(good.status, 200)
      const answer = JSON.parse(yield* bodyOf(good))
      assert.lengthOf(answer.results, 2)
      assert.deepInclude(answer.pagination, { limit: 2, prev_cursor: null })
      assert.strictEqual(answer.error, null)
      assert.deepStrictEqual(answer.viz.suggestions, [{ kind: "table" }])
      const asService = yield* post(
        new URLSearchParams("style=service"),
        JSON.stringify({ query: "in:agents", limit: "2" })
      )
      assert.hasAllKeys(JSON.parse(yield* bodyOf(asService)), ["results", "pagination"])
      const bad = yield* post(new URLSearchParams(), JSON.stringify({ query: "in:nothing" }))
      assert.strictEqual(bad.status, 400)
      assert.strictEqual(
        yield* bodyOf(bad),
        "{\"error\":\"invalid request: unsupported entity 'nothing'\",\"at\":{\"start\":3,\"end\":10},\"found\":\"\\\"nothing\\\"\",\"expected\":\"an entity\"}"
      )
      for (const body of ["", "{}", "[]", "{\"query\":1}"]) {
        const none = yield* post(new URLSearchParams(), body)
        assert.strictEqual(yield* bodyOf(none), "{\"error\":\"missing required field: query\"}")
      }
      const got = yield* queryRoute.handle(
        new URLSearchParams({ query: "in:devices stats:count() as n", style: "service" })
      )
      assert.deepStrictEqual(JSON.parse(yield* bodyOf(got)).results, [{ n: 40 }])
    }))

  it.effect("are sent line by line as NDJSON and CSV, as many as their limit allows", () =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      yield* sql.unsafe("delete from memory_metrics")
      yield* sql.unsafe(
        "insert into memory_metrics (timestamp, host_id, total_bytes) select '2026-03-05T12:00:00Z', 'h, \"' || n, 9223372036854775807 - n from generate_series(1, 20000) n"
      )
      const ask = Effect.fnUntraced(function*(format: string, query: string) {
        const response = yield* queryRoute.handle(new URLSearchParams({ query, format }))
        const text = yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
        return { text, status: response.status, contentType: response.headers["content-type"] }
      })
      const json = yield* ask("ndjson", "in:memory sort:host_id:asc limit:1000000")
      assert.strictEqual(json.contentType, "application/x-ndjson")
      const lines = json.text.trimEnd().split("\n")
      assert.lengthOf(lines, 20_000)
      assert.strictEqual(decodeRow(lines[0] ?? "")["host_id"], "h, \"1")
      const csv = yield* ask("csv", "in:memory limit:1000000")
      const [header, first] = csv.text.split("\r\n")
      assert.strictEqual(header?.split(",").slice(0, 5).join(), "timestamp,gateway_id,agent_id,host_id,total_bytes")
      assert.match(first ?? "", /^2026-03-05T12:00:00.000000Z,,,"h, ""\d+",92233720368547\d{5},/)
      assert.lengthOf(csv.text.trimEnd().split("\r\n"), 20_001)
      const grouped = yield* ask("csv", "in:memory stats:\"count() as n by host_id\" limit:2")
      assert.match(grouped.text, /^n,host_id\r\n1,"h, ""\d+"\r\n/)
      const counted = yield* ask("csv", "in:memory stats:count() as rows")
      assert.match(counted.text, /^rows\r\n\d+\r\n$/)
      assert.deepInclude(yield* ask("csv", "in:nothing"), {
        status: 400,
        text:
          "{\"error\":\"invalid request: unsupported entity 'nothing'\",\"at\":{\"start\":3,\"end\":10},\"found\":\"\\\"nothing\\\"\",\"expected\":\"an entity\"}"
      })
      assert.strictEqual((yield* ask("xml", "in:memory")).status, 400)
      yield* sql.unsafe("alter table memory_metrics rename to elsewhere")
      assert.include((yield* ask("ndjson", "in:memory")).text, "this database has no memory_metrics")
      yield* sql.unsafe("alter table elsewhere rename to memory_metrics")
    }), 60_000)
})
