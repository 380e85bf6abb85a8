import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as CoreDatabaseSource from "../../../../src/layers/poller/comparing/CoreDatabaseSource.ts"
import * as PollerComparing from "../../../../src/services/poller/comparing/PollerComparing.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"

const connected = Effect.gen(function*() {
  const { url } = yield* TestDatabase
  const sql = yield* Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer)
  return { sql, url }
})

/** The tables that hold statuses, as v1.0.76 makes them (TimescaleDB apart), where `column` is `poller_id`. */
const existingTables = Effect.fnUntraced(function*(column: string) {
  const { sql, url } = yield* connected
  yield* sql`create table service_status (
    timestamp timestamptz not null, ${sql(column)} text not null, agent_id text, service_name text not null,
    service_type text, available boolean not null, message text, details text, partition text,
    created_at timestamptz not null default now())`
  yield* sql`create index idx_service_status_identity on service_status (${sql(column)}, service_name, timestamp desc)`
  yield* sql`create table services (
    timestamp timestamptz not null, ${sql(column)} text not null, agent_id text, service_name text not null,
    service_type text, config jsonb default '{}'::jsonb, partition text, created_at timestamptz not null default now())`
  yield* sql`create table pollers (
    poller_id text primary key, status text default 'active', last_seen timestamptz default now(),
    is_healthy boolean default true, updated_at timestamptz not null default now())`
  yield* sql`create table poller_history (
    timestamp timestamptz not null, ${sql(column)} text not null, is_healthy boolean not null,
    created_at timestamptz not null default now())`
  return { sql, url }
})

/** As the existing poller envelops what an agent answered. */
const envelope = (pollerId: string, data: object): string =>
  JSON.stringify({
    poller_id: pollerId,
    agent_id: "edge-1",
    partition: "default",
    service_type: "port",
    service_name: "ssh",
    data
  })

describe("What the existing core got of a poller", () => {
  it.live("is not there in a database without its tables", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const none = yield* Effect.flip(CoreDatabaseSource.make({ url, pollerId: "poller-1" }))
      assert.include(none.message, "there is no table service_status_history and no service_status")
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)))

  it.live.each(["poller_id", "gateway_id"])(
    "is read from its table, whose column is %s",
    (column) =>
      Effect.gen(function*() {
        const { sql, url } = yield* existingTables(column)
        yield* sql`insert into service_status
        (timestamp, ${sql(column)}, agent_id, service_name, service_type, available, message, details, partition) values
        ('2026-01-01T00:00:00Z', 'poller-1', 'edge-1', 'ssh', 'port', true, 'up', '{"port":22}', 'default'),
        ('2026-01-01T00:00:30Z', 'poller-1', 'edge-1', 'ssh', 'port', false, 'down', null, 'default'),
        ('2026-01-01T00:00:30Z', 'poller-1', null, 'bare', null, true, null, null, null),
        ('2026-01-01T00:00:30Z', 'poller-1', 'edge-1', 'large', 'sync', true, null,
          '{"truncated":true,"original_size":12582922,"stored_size":256,"preview":"[{"}', 'default'),
        ('2026-01-01T00:00:30Z', 'poller-2', 'edge-1', 'ssh', 'port', false, 'down', null, 'default')`

        const source = yield* CoreDatabaseSource.make({ url, pollerId: "poller-1" })
        const range = Option.getOrThrow(yield* source.range)
        const samples = yield* Stream.runCollect(source.samples(range))
        assert.strictEqual(range.lastMillis - range.firstMillis, 30_999)
        assert.sameDeepMembers(
          samples.map(({ agentId, available, message, responseTimeNanos, serviceName, serviceType }) => [
            agentId,
            serviceType,
            serviceName,
            available,
            Option.getOrNull(message),
            responseTimeNanos
          ]),
          [
            ["edge-1", "port", "ssh", true, "{\"port\":22}", 0],
            ["edge-1", "port", "ssh", false, "down", 0],
            ["", "", "bare", true, null, 0],
            ["edge-1", "sync", "large", true, null, 0]
          ]
        )
        const nobody = yield* CoreDatabaseSource.make({ url, pollerId: "poller-9" })
        assert.isTrue(Option.isNone(yield* nobody.range))
      }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer))
  )

  it.live("is held against what it got of another one, check by check", () =>
    Effect.gen(function*() {
      const { sql, url } = yield* existingTables("poller_id")
      const report = (pollerId: string, second: number, available: boolean, data: object) =>
        sql`insert into service_status
          (timestamp, poller_id, agent_id, service_name, service_type, available, message, details, partition)
          values (${`2026-01-01T00:00:${String(second).padStart(2, "0")}Z`}, ${pollerId}, 'edge-1', 'ssh', 'port',
            ${available}, ${JSON.stringify(data)}, ${envelope(pollerId, data)}, 'default')`
      const answer = (port: number | string, second: number) => ({
        host: "127.0.0.1",
        port,
        response_time: 1_000 + second
      })
      for (const second of [0, 10, 20, 30]) {
        yield* report("go", second, true, answer(22, second))
        yield* report("same", second + 1, true, answer(22, second + 1))
        yield* report("other", second + 1, second < 10, answer("22", second + 1))
      }
      const between = Effect.fnUntraced(function*(left: string, right: string) {
        const sides = {
          left: yield* CoreDatabaseSource.make({ url, pollerId: left }),
          right: yield* CoreDatabaseSource.make({ url, pollerId: right })
        }
        const everything = { firstMillis: 0, lastMillis: Number.MAX_SAFE_INTEGER }
        const { checks } = yield* PollerComparing.compare(sides, everything)
        return checks.map(({ agentId, differences, left, right, serviceName }) => ({
          check: `${agentId} ${serviceName}`,
          left: `${left.available}/${left.samples}`,
          right: `${right.available}/${right.samples}`,
          differences
        }))
      })
      // The first second of the right and the last of the left are seen by both.
      assert.deepStrictEqual(yield* between("go", "same"), [
        { check: "edge-1 ssh", left: "3/3", right: "3/3", differences: [] }
      ])
      assert.deepStrictEqual(yield* between("go", "other"), [
        { check: "edge-1 ssh", left: "3/3", right: "1/3", differences: ["availability", "payload (1 path)"] }
      ])
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)))
})
