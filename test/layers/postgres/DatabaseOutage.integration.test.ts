import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Fiber, Layer, Logger, Option, Ref, Result, Schedule } from "effect"
import * as path from "node:path"
import * as StatusReport from "../../../src/domain/monitoring/reports/StatusReport.ts"
import { migrations } from "../../../src/layers/core/migrations/migrations.ts"
import * as PgStatusStore from "../../../src/layers/core/PgStatusStore.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as EmbeddedPostgres from "../../../src/layers/postgres/server/EmbeddedPostgres.ts"
import { StatusStore } from "../../../src/services/core/StatusStore.ts"
import { receivedReport, receivedStatus } from "../../support/statusReports.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const receivedAt = DateTime.makeUnsafe("2026-01-01T00:00:00Z")

const append = Effect.fnUntraced(function*(index: number) {
  const services = [receivedStatus({ serviceName: `service-${index}` })]
  const { report } = Result.getOrThrow(StatusReport.accept(receivedReport({ services }), receivedAt))
  const store = yield* StatusStore
  return yield* store.append(report, receivedAt)
})

const store = PgStatusStore.layer.pipe(
  Layer.provideMerge(PgConnection.layer({ migrations: [migrations] })),
  Layer.provideMerge(DatabaseEndpoint.layer())
)

/** The server as a supervisor would run it: started again each time it ends. */
const keepServer = (home: string, pid: Ref.Ref<number>) =>
  EmbeddedPostgres.start({ home, port: 0, durable: false }).pipe(
    Effect.tap((server) => Ref.set(pid, server.pid)),
    Effect.tap((server) => Effect.flatMap(DatabaseEndpoint, (endpoint) => endpoint.publish(server.url))),
    Effect.flatMap((server) => server.run),
    Effect.scoped,
    Effect.retry({ while: (error) => error._tag === "PostgresExited" })
  )

describe("An outage of the database", () => {
  it.live("loses nothing and is over within five seconds when the server is killed and comes back", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")
      const pid = yield* Ref.make(0)
      const lines: Array<string> = []
      yield* Effect.forkScoped(keepServer(home, pid))
      const connection = yield* PgConnection
      yield* Effect.forkScoped(connection.keep)
      yield* TestConnection.awaitReady
      const failures = yield* Ref.make(0)
      const sending = yield* Effect.forEach(
        Array.from({ length: 400 }, (_, index) => index),
        (index) =>
          append(index).pipe(
            Effect.tapError((error) => {
              assert.strictEqual(error.reason._tag, "StoreUnavailable", error.message)
              return Ref.update(failures, (count) => count + 1)
            }),
            Effect.retry(Schedule.spaced("20 millis"))
          ),
        { concurrency: 4 }
      ).pipe(
        Effect.provide(Logger.layer([Logger.make(({ message }) => lines.push(String(message)))])),
        Effect.forkScoped({ startImmediately: true })
      )
      const killed = yield* Ref.get(pid)

      yield* append(1_000)
      yield* Effect.sync(() => process.kill(killed, "SIGKILL"))
      const killedAt = yield* Clock.currentTimeMillis
      yield* Effect.flip(connection.check).pipe(Effect.retry(Schedule.spaced("1 millis")), Effect.timeout("5 seconds"))
      yield* append(1_001).pipe(Effect.retry(Schedule.spaced("20 millis")))
      const outageMillis = (yield* Clock.currentTimeMillis) - killedAt
      yield* Fiber.join(sending)

      const sql = yield* connection.client
      assert.notStrictEqual(yield* Ref.get(pid), killed)
      assert.isAbove(yield* Ref.get(failures), 0)
      assert.isBelow(outageMillis, 5_000)
      assert.isAtMost(lines.filter((line) => line.startsWith("PostgreSQL does not answer")).length, 2, lines.join())
      assert.deepStrictEqual(
        yield* sql`select count(*)::int as rows, count(distinct service_name)::int as services from service_status_history`,
        [{ rows: 402, services: 402 }]
      )
    }).pipe(Effect.provide([store, NodeFileSystem.layer])))

  it.live("is waited for at the start", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")
      const { port, url } = yield* Effect.scoped(EmbeddedPostgres.start({ home, port: 0, durable: false }))
      const endpoint = yield* DatabaseEndpoint
      yield* endpoint.publish(url)
      const connection = yield* PgConnection
      const life = yield* Effect.forkScoped(connection.keep)

      const early = yield* Effect.flip(append(1))
      yield* EmbeddedPostgres.start({ home, port, durable: false })
      yield* TestConnection.awaitReady

      assert.strictEqual(early.reason._tag, "StoreUnavailable")
      assert.strictEqual((yield* append(1)).stored, 1)
      assert.isUndefined(life.pollUnsafe())
    }).pipe(Effect.provide([store, NodeFileSystem.layer])))

  it.live("is told from a schema that is not ours", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")
      const { url } = yield* EmbeddedPostgres.start({ home, port: 0, durable: false })
      const endpoint = yield* DatabaseEndpoint
      const connection = yield* PgConnection
      yield* endpoint.publish(url)
      const first = yield* Effect.forkScoped(connection.keep)
      yield* TestConnection.awaitReady
      const sql = yield* connection.client
      yield* sql`drop table serviceradar_migrations`
      yield* Fiber.interrupt(first)

      const error = yield* Effect.flip(connection.keep)

      assert.strictEqual(error._tag, "DatabaseSchemaError")
      assert.include(error.message, "already exists")
      assert.isTrue(Option.isNone(yield* Effect.option(connection.check)))
    }).pipe(Effect.provide([store, NodeFileSystem.layer])))
})
