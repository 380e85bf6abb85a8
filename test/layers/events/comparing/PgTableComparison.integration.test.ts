import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import type { TableName } from "../../../../src/domain/events/rows/Tables.ts"
import type { EventRow } from "../../../../src/domain/events/storing/Suspects.ts"
import * as PgTableComparison from "../../../../src/layers/events/comparing/PgTableComparison.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import * as PgEventStore from "../../../../src/layers/events/store/PgEventStore.ts"
import * as PgEventTables from "../../../../src/layers/events/store/PgEventTables.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { EventStore } from "../../../../src/services/events/EventStore.ts"
import { EventTables } from "../../../../src/services/events/EventTables.ts"
import { type ComparedRange, isEqual, TableComparison } from "../../../../src/services/events/TableComparison.ts"
import { decodedSamples } from "../../../support/decodedSamples.ts"
import * as ForeignTables from "../../../support/foreignTables.ts"
import * as TestConnection from "../../../support/TestConnection.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"
import { json, message } from "../decode/samples.ts"

const client = Effect.flatMap(PgConnection, (connection) => connection.client)

const prepare = (schema: string) =>
  Effect.flatMap(EventTables, (tables) => tables.prepare).pipe(Effect.provide(PgEventTables.layer({ schema })))

const write = (schema: string, table: TableName, rows: ReadonlyArray<EventRow>) =>
  Effect.flatMap(EventStore, (store) => store.write(table, rows)).pipe(Effect.provide(PgEventStore.layer({ schema })))

const logs = (count: number, tenant = "acme"): ReadonlyArray<EventRow> => {
  const decode = EventDecoder.make({ tenantDefault: tenant })
  return Array.from({ length: count }, (_, at) =>
    Result.getOrThrow(decode(message(
      "logs.app",
      json({
        timestamp: 1_767_323_045 + at,
        body: `m${at}`,
        trace_id: `t${at}`,
        span_id: "s",
        attributes: { b: at, a: 1 }
      }),
      at + 1
    ))).content.rows).flat()
}

const compare = Effect.fnUntraced(function*(
  left: string,
  right: string,
  table: TableName,
  options: { readonly range?: ComparedRange; readonly rowsMax?: number; readonly onProgress?: (rows: number) => void } =
    {}
) {
  const { url } = yield* TestDatabase
  const { onProgress = () => undefined, range = {}, rowsMax = 10_000 } = options
  return yield* Effect.flatMap(
    TableComparison,
    (comparison) => comparison.compare(table, range, (rows) => Effect.sync(() => onProgress(rows)))
  ).pipe(Effect.provide(
    PgTableComparison.layer({ left: { url, schema: left }, right: { url, schema: right }, rowsMax })
  ))
})

layer(TestConnection.layer, { excludeTestServices: true, timeout: "60 seconds" })("PgTableComparison", (it) => {
  it.effect("finds what two writers stored alike equal, in every table", () =>
    Effect.gen(function*() {
      yield* prepare("same_left")
      yield* prepare("same_right")
      for (const [table, rows] of decodedSamples()) {
        yield* write("same_left", table, rows)
        yield* write("same_right", table, rows)
        const difference = yield* compare("same_left", "same_right", table)

        assert.isTrue(isEqual(difference), JSON.stringify(difference))
        assert.isAbove(difference.equal, 0)
        assert.strictEqual(difference.leftRows, difference.equal)
      }
    }))

  it.effect("tells differing, missing and extra rows apart, names their columns and shows some", () =>
    Effect.gen(function*() {
      yield* prepare("planted_left")
      yield* prepare("planted_right")
      yield* write("planted_left", "logs", logs(100))
      yield* write("planted_right", "logs", logs(100, "other"))
      const sql = yield* client
      yield* sql`update planted_right.logs set severity_text = 'CHANGED' where body in ('m1', 'm2', 'm3', 'm4')`
      yield* sql`update planted_right.logs set attributes = '{"a":1,"b":99}' where body = 'm1'`
      yield* sql`update planted_right.logs set attributes = '{ "a": 1, "b": 9 }' where body = 'm9'`
      yield* sql`delete from planted_right.logs where body in ('m10', 'm11')`
      yield* sql`delete from planted_left.logs where body = 'm12'`
      yield* sql`update planted_right.logs set id = gen_random_uuid(), created_at = now() - interval '1 hour'`

      const difference = yield* compare("planted_left", "planted_right", "logs")

      assert.deepInclude(difference, {
        leftRows: 99,
        rightRows: 98,
        equal: 93,
        differing: 4,
        missing: 2,
        extra: 1,
        differingColumns: [{ column: "severity_text", rows: 4 }, { column: "attributes", rows: 1 }]
      })
      assert.deepStrictEqual(difference.examples.map(({ kind }) => kind).sort(), [
        "differing",
        "differing",
        "differing",
        "extra",
        "missing",
        "missing"
      ])
      const changed = difference.examples.find(({ key }) => key["body"] === "m1")
      assert.deepStrictEqual(changed?.columns.find(({ column }) => column === "attributes"), {
        column: "attributes",
        left: `{"a":1,"b":1}`,
        right: `{"a":1,"b":99}`
      })
      assert.includeMembers(difference.leftOut.map(({ column }) => column), ["id", "created_at", "tenant_id"])
    }))

  it.effect("counts rows that are there several times", () =>
    Effect.gen(function*() {
      const sql = yield* client
      for (const schema of ["twice_left", "twice_right"]) yield* ForeignTables.make(schema, "v1.0.76.sql")
      yield* sql`truncate twice_left.netflow_metrics, twice_right.netflow_metrics`
      const insert = (schema: string, times: number, octets: number) =>
        sql`insert into ${sql(`${schema}.netflow_metrics`)} (timestamp, src_addr, octets)
          select '2026-01-01T00:00:00Z', '10.0.0.1', ${octets}::int8 from generate_series(1, ${times}::int4)`
      yield* insert("twice_left", 3, 10)
      yield* insert("twice_left", 2, 20)
      yield* insert("twice_right", 5, 10)
      yield* insert("twice_right", 1, 30)

      const difference = yield* compare("twice_left", "twice_right", "netflow_metrics")

      assert.deepInclude(difference, { equal: 3, differing: 2, missing: 0, extra: 1 })
    }))

  it.effect("bridges the generations: renamed columns, text for null, columns of one side", () =>
    Effect.gen(function*() {
      const sql = yield* client
      yield* ForeignTables.make("old_side", "v1.0.76.sql")
      yield* sql`truncate old_side.timeseries_metrics, old_side.logs`
      yield* prepare("old_side")
      yield* prepare("new_side")
      for (const table of ["timeseries_metrics", "logs"] as const) {
        const rows = decodedSamples().get(table) ?? []
        yield* write("old_side", table, rows)
        yield* write("new_side", table, rows)
      }
      yield* sql`update old_side.timeseries_metrics set series_key = null, tenant_id = null, agent_id = ''`
      yield* sql`update new_side.timeseries_metrics set agent_id = null`

      const metrics = yield* compare("old_side", "new_side", "timeseries_metrics")

      assert.deepInclude(metrics.key, "gateway_id")
      assert.strictEqual(metrics.missing + metrics.extra, metrics.leftRows + metrics.rightRows, "the series differ")
      yield* sql`alter table old_side.timeseries_metrics drop column series_key`
      const again = yield* compare("old_side", "new_side", "timeseries_metrics")
      assert.isTrue(isEqual(again), JSON.stringify(again))
      assert.deepInclude(again.leftOut, { column: "series_key", why: "only on the right" })
    }))

  it.effect("takes any number of rows in small parts, also when they have one time, and tells how far it is", () =>
    Effect.gen(function*() {
      const sql = yield* client
      for (const schema of ["many_left", "many_right"]) {
        yield* ForeignTables.make(schema, "v1.0.76.sql")
        yield* sql`truncate ${sql(`${schema}.netflow_metrics`)}`
        yield* sql`insert into ${sql(`${schema}.netflow_metrics`)} (timestamp, src_addr, src_port, octets)
          select timestamptz '2026-01-01' + (case when at % 2 = 0 then 0 else at end) * interval '1 second',
            '10.0.0.' || at % 200, at, at from generate_series(1, 20000) at`
      }
      yield* sql`update many_right.netflow_metrics set octets = 0 where src_port % 1000 = 0`
      yield* sql`update many_right.netflow_metrics set timestamp = 'infinity' where src_port = 7`
      const told: Array<number> = []

      const small = yield* compare("many_left", "many_right", "netflow_metrics", {
        rowsMax: 700,
        onProgress: (rows) => told.push(rows)
      })
      const large = yield* compare("many_left", "many_right", "netflow_metrics", { rowsMax: 100_000 })

      assert.deepInclude(small, { equal: 19_979, differing: 20, missing: 1, extra: 1 })
      assert.deepInclude(large, { equal: 19_979, differing: 20, missing: 1, extra: 1 })
      assert.isAbove(told.length, 28)
      assert.strictEqual(told.at(-1), 20_000)
    }))

  it.effect("looks at the asked time only", () =>
    Effect.gen(function*() {
      yield* prepare("timed_left")
      yield* prepare("timed_right")
      yield* write("timed_left", "logs", logs(100))

      const difference = yield* compare("timed_left", "timed_right", "logs", {
        range: { sinceMillis: 1_767_323_055_000, untilMillis: 1_767_323_065_000 }
      })

      assert.deepInclude(difference, { leftRows: 10, missing: 10 })
    }))

  it.effect("says when no side has the table", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(compare("nowhere", "neither", "logs"))

      assert.include(error.message, "there is no table logs on either side")
    }))
})
