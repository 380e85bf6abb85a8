import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as CoreDatabaseSource from "../../../../src/layers/poller/comparing/CoreDatabaseSource.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"

describe("What the existing core got of a poller", () => {
  it.live.each(["poller_id", "gateway_id"])(
    "is read from its table, whose column is %s",
    (column) =>
      Effect.gen(function*() {
        const { url } = yield* TestDatabase
        const none = yield* Effect.flip(CoreDatabaseSource.make({ url, pollerId: "poller-1" }))
        assert.include(none.message, "there is no table service_status_history and no service_status")
        const sql = yield* Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer)
        yield* sql`create table service_status (
        timestamp timestamptz not null, ${sql(column)} text, agent_id text, service_name text, service_type text,
        available boolean, message text, details text, partition text)`
        yield* sql`insert into service_status values
        ('2026-01-01T00:00:00Z', 'poller-1', 'edge-1', 'ssh', 'port', true, 'up', '{"port":22}', 'default'),
        ('2026-01-01T00:00:30Z', 'poller-1', 'edge-1', 'ssh', 'port', false, 'down', null, 'default'),
        ('2026-01-01T00:00:30Z', 'poller-2', 'edge-1', 'ssh', 'port', false, 'down', null, 'default')`

        const source = yield* CoreDatabaseSource.make({ url, pollerId: "poller-1" })
        const range = Option.getOrThrow(yield* source.range)
        const samples = yield* Stream.runCollect(source.samples(range))
        assert.strictEqual(range.lastMillis - range.firstMillis, 30_999)
        assert.sameDeepMembers(
          samples.map(({ available, message, responseTimeNanos }) => ({ available, message, responseTimeNanos })),
          [
            { available: true, message: Option.some("{\"port\":22}"), responseTimeNanos: 0 },
            { available: false, message: Option.some("down"), responseTimeNanos: 0 }
          ]
        )
        const nobody = yield* CoreDatabaseSource.make({ url, pollerId: "poller-9" })
        assert.isTrue(Option.isNone(yield* nobody.range))
      }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer))
  )
})
