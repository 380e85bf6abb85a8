import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Reactivity from "effect/reactivity/Reactivity"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { rowRules } from "../../../src/domain/queries/RowRules.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as PgQueries from "../../../src/layers/queries/PgQueries.ts"
import { queryRoute } from "../../../src/layers/queries/QueryRoute.ts"
import { Queries, type Question } from "../../../src/services/queries/Queries.ts"
import { QueryAskers } from "../../../src/services/queries/QueryAskers.ts"
import { generator } from "../../domain/srql/language/queries.ts"
import * as Program from "../../support/Program.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"
import { fill, tableOf } from "./tables.ts"

const connected = Layer.effectDiscard(Effect.gen(function*() {
  const connection = yield* PgConnection
  yield* Effect.forkScoped(connection.keep)
  yield* Program.eventually("a connection", Effect.option(connection.client), { within: "20 seconds", programs: [] })
}))

const queries = Layer.mergeAll(
  QueryAskers.layerOperators,
  PgQueries.layer({ catalog: coreCatalog, rules: rowRules }),
  connected
).pipe(
  Layer.provideMerge(Layer.unwrap(Effect.map(TestDatabase, ({ url }) =>
    Layer.mergeAll(
      Layer.effect(PgClient.PgClient, PgClient.make({ url, maxConnections: 1 })).pipe(Layer.provide(Reactivity.layer)),
      PgConnection.layer({ maxConnections: 2 }).pipe(Layer.provide(DatabaseEndpoint.layer(Option.some(url))))
    )))),
  Layer.provide(TestDatabase.layer)
)

const Row = Schema.fromJsonString(Schema.Struct({
  entity: Schema.String,
  timestamp: Schema.String,
  host_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  service_name: Schema.optionalKey(Schema.NullOr(Schema.String))
}))
const decode = Schema.decodeUnknownSync(Row)

const page = (text: string, more: Partial<Question> = {}) =>
  Queries.use(({ page }) => page({ text, style: "web", tenant: null, ...more }))

const filled = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  for (const name of ["logs", "traces", "cpu_metrics", "memory_metrics"]) {
    const entity = coreCatalog.entity(name)
    if (entity === undefined) continue
    yield* fill(entity, generator(3), 1)
    yield* sql.unsafe(`delete from ${tableOf(entity)}`)
  }
  yield* sql.unsafe(`insert into logs (timestamp, service_name, severity_text)
    select timestamptz '2026-03-05T12:00:00Z' + n * interval '2 s', 'api', 'INFO' from generate_series(1, 50) n`)
  yield* sql.unsafe(`insert into otel_traces (timestamp, service_name, name)
    select timestamptz '2026-03-05T12:00:01Z' + n * interval '2 s', case when n % 2 = 0 then 'api' else 'web' end, 'get'
    from generate_series(1, 50) n`)
  yield* sql.unsafe(`insert into cpu_metrics (timestamp, host_id, usage_percent)
    select timestamptz '2026-03-05T12:00:00Z' + n * interval '1 s', 'h' || n, n from generate_series(1, 10) n`)
  yield* sql.unsafe(`insert into memory_metrics (timestamp, host_id, usage_percent)
    select timestamptz '2026-03-05T12:00:00Z' + n * interval '1 s', 'h' || 20 - n, n from generate_series(1, 10) n`)
})

layer(queries, { excludeTestServices: true, timeout: "60 seconds" })("Several entities at once", (it) => {
  it.effect("are answered in the order of their times, each row with its entity, page by page", () =>
    Effect.gen(function*() {
      yield* filled
      const seen: Array<typeof Row.Type> = []
      let cursor: string | null = ""
      while (cursor !== null) {
        const answer: { readonly rows: ReadonlyArray<string>; readonly nextCursor: string | null } = yield* page(
          "in:logs,traces service_name:api",
          { limit: 20, cursor }
        )
        seen.push(...answer.rows.map((row) => decode(row)))
        cursor = answer.nextCursor
      }
      assert.lengthOf(seen, 75)
      assert.strictEqual(seen.filter(({ entity }) => entity === "traces").length, 25)
      assert.isTrue(seen.every((row) => row.service_name === "api"))
      const times = seen.map(({ timestamp }) => timestamp)
      assert.deepStrictEqual(times, [...times].sort().reverse())
      assert.match(times[0] ?? "", /^2026-03-05T12:01:4\d\.000000Z$/)
    }))

  it.effect("are sorted by a field that all know, and by time", () =>
    Effect.gen(function*() {
      const byHost = yield* page("in:cpu,memory sort:host_id:asc limit:3")
      assert.deepStrictEqual(byHost.rows.map((row) => decode(row).host_id), ["h1", "h10", "h10"])
      const byTime = yield* page("in:cpu,memory sort:time:asc limit:4")
      assert.deepStrictEqual(byTime.rows.map((row) => decode(row).timestamp.slice(17, 19)), ["01", "01", "02", "02"])
      assert.deepStrictEqual(byTime.rows.map((row) => decode(row).entity).slice(0, 2), [
        "cpu_metrics",
        "memory_metrics"
      ])
    }))

  it.effect("are refused where one of them does not know what is asked for, with its place", () =>
    Effect.gen(function*() {
      const of = (text: string) => Effect.map(Effect.flip(page(text)), ({ message }) => message)
      assert.include(yield* of("in:logs,cpu host_id:x"), "unsupported filter field for logs: 'host_id' (at 13")
      assert.include(yield* of("in:logs,nothing"), "unsupported entity")
      assert.include(yield* of("in:logs,traces stats:\"count() as n\""), "several entities answer rows only")
      assert.include(yield* of("in:logs,cpu sort:usage_percent"), "cannot all be sorted by 'usage_percent'")
      const live = yield* Effect.flip(
        Queries.use(({ live }) => live({ text: "in:logs,traces", style: "web", tenant: null }))
      )
      assert.include(live.message, "neither keyset cursors nor live rows")
    }))

  it.effect("stream as NDJSON, and have no CSV", () =>
    Effect.gen(function*() {
      const ask = Effect.fnUntraced(function*(format: string) {
        const response = yield* queryRoute.handle(new URLSearchParams({ query: "in:cpu,memory limit:100", format }))
        return { status: response.status, text: yield* Effect.promise(() => HttpServerResponse.toWeb(response).text()) }
      })
      const lines = (yield* ask("ndjson")).text.trimEnd().split("\n")
      assert.lengthOf(lines, 20)
      assert.deepInclude(yield* ask("csv"), { status: 400 })
    }))
})
