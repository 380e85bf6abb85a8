/** States of a database that answers, and still cannot be written: each is said once, and its end once. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Effect, Layer, Logger, Option, Redacted, Schedule } from "effect"
import * as EventWriterSettings from "../../../src/domain/events/settings/EventWriterSettings.ts"
import * as FreePort from "../../../src/layers/process/endpoint/FreePort.ts"
import * as EventWriterProgram from "../../../src/programs/event-writer/EventWriterProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as DatabaseSession from "../../support/databaseSession.ts"
import { natsConnection } from "../../support/eventWriter.ts"
import { get } from "../../support/http.ts"
import * as NatsServer from "../../support/natsServer.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const answer = (address: string, at: string) =>
  Effect.catchDefect(get(address, at), () => Effect.succeed({ status: 0, body: "" as unknown }))

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (value: A) => boolean, within = "20 seconds" as const) =>
  effect.pipe(
    Effect.repeat({ until: holds, schedule: Schedule.spaced("50 millis") }),
    Effect.timeout(within)
  )

/** Asked again and again, so it keeps no connection. */
const rows = (url: Redacted.Redacted) =>
  Effect.flatMap(DatabaseSession.session(url), (sql) => sql`select body from platform.logs order by body`).pipe(
    Effect.scoped,
    Effect.orElseSucceed(() => []),
    Effect.map((found) => found.map((row) => JSON.stringify(row)))
  )

const start = Effect.fnUntraced(function*(database: Redacted.Redacted) {
  const server = yield* NatsServer.start()
  const port = yield* FreePort.next("127.0.0.1", 0)
  const settings = EventWriterSettings.resolve([{
    natsUrl: Redacted.make(server.url),
    databaseUrl: database,
    createStreams: true,
    tenantDefault: "acme"
  }])
  yield* Effect.forkScoped(
    EventWriterProgram.run(settings, Option.some({ host: "127.0.0.1", port }))
  )
  const connection = yield* natsConnection(server.url)
  const http = `127.0.0.1:${port}`
  const publish = (body: string, timestamp?: string) =>
    Effect.promise(() => jetstream(connection).publish("logs.app", JSON.stringify({ body, timestamp })))
  const readiness = answer(http, "/health/ready")
  return { publish, readiness, ready: until(readiness, ({ status }) => status === 200) }
})

const withPassword = (url: Redacted.Redacted, name: string, password: string) => {
  const other = new URL(Redacted.value(url))
  other.username = name
  other.password = password
  return Redacted.make(other.href)
}

/** A role that may make what it needs in the test's database, and a session that may change it. */
const writerRole = Effect.fnUntraced(function*(password: string) {
  const { url } = yield* TestDatabase
  const admin = yield* DatabaseSession.session(url)
  const database = new URL(Redacted.value(url)).pathname.slice(1)
  const name = `writer_${database}`
  yield* Effect.acquireRelease(
    admin.unsafe(`create role "${name}" login password '${password}'`),
    () => Effect.ignore(admin.unsafe(`drop owned by "${name}"; drop role "${name}"`))
  )
  yield* admin`grant all on database ${admin(database)} to ${admin(name)}`
  return { admin, name, url }
})

const lines: Array<string> = []
const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
const said = (text: string) => lines.filter((line) => line.includes(text)).length

const live = Layer.mergeAll(SupervisionTree.layer, NodeFileSystem.layer, TestDatabase.layer, logger)

describe("Database states", () => {
  it.live(
    "says once that a database is read-only, and stores what waited when it is not (database-read-only.sql)",
    () =>
      Effect.gen(function*() {
        lines.length = 0
        const { url } = yield* TestDatabase
        const { publish, readiness, ready } = yield* start(url)
        yield* ready
        const readOnly = yield* DatabaseSession.readOnly(yield* DatabaseSession.session(url))
        yield* readOnly.begin

        const startMillis = performance.now()
        const refused = yield* until(readiness, ({ status }) => status === 503)
        const tookMillis = performance.now() - startMillis
        yield* publish("while read-only")
        // Long enough for a breaker that opens and closes to do so.
        yield* Effect.sleep("3 seconds")
        const still = yield* readiness
        yield* readOnly.end
        yield* ready
        yield* until(rows(url), (found) => found.length === 1)

        assert.include(JSON.stringify(refused.body), "read-only")
        assert.isBelow(tookMillis, 5_000)
        assert.strictEqual(still.status, 503)
        assert.deepStrictEqual([said("The database is away"), said("The database is back")], [1, 1], lines.join("\n"))
      }).pipe(Effect.scoped, Effect.provide(live)),
    60_000
  )

  it.live(
    "lets a row wait that has no partition, and its neighbours go on (no-default-partition.sql)",
    () =>
      Effect.gen(function*() {
        lines.length = 0
        const { url } = yield* TestDatabase
        const { publish, ready } = yield* start(url)
        yield* ready
        const admin = yield* DatabaseSession.session(url)
        yield* admin`alter table platform.logs detach partition platform.logs_default`
        yield* publish("of long ago", new Date(Date.now() - 100 * 86_400_000).toISOString())
        for (const body of ["a", "b", "c"]) yield* publish(body)

        const current = yield* until(rows(url), (found) => found.length >= 3)
        yield* admin`alter table platform.logs attach partition platform.logs_default default`
        const all = yield* until(rows(url), (found) => found.length >= 4)

        assert.lengthOf(current, 3)
        assert.lengthOf(all, 4)
        assert.strictEqual(said("The database is away"), 0, lines.join("\n"))
      }).pipe(Effect.scoped, Effect.provide(live)),
    60_000
  )

  it.live(
    "makes a table again that somebody dropped, and loses nothing that comes meanwhile",
    () =>
      Effect.gen(function*() {
        lines.length = 0
        const { url } = yield* TestDatabase
        const { publish, ready } = yield* start(url)
        yield* ready
        const admin = yield* DatabaseSession.session(url)
        yield* admin`drop table platform.logs cascade`
        yield* publish("after the fall")

        yield* until(rows(url), (found) => found.length === 1)
        // Rows go on as soon as there is the table; what belongs to it comes after.
        yield* until(Effect.sync(() => said("Made tables again that were gone: logs")), (count) => count > 0)
        const kept = yield* admin`
          select relforcerowsecurity as is_forced, to_regclass('serviceradar_queries.logs_severity_stats_5m') is not null as is_seen
          from pg_class where oid = 'platform.logs'::regclass`

        assert.strictEqual(said("Made tables again that were gone: logs"), 1, lines.join("\n"))
        assert.deepStrictEqual(kept, [{ is_forced: true, is_seen: true }])
      }).pipe(Effect.scoped, Effect.provide(live)),
    60_000
  )

  it.live("waits for a database that is missing at the start, with the server's words", () =>
    Effect.gen(function*() {
      lines.length = 0
      const { url } = yield* TestDatabase
      const elsewhere = new URL(Redacted.value(url))
      const name = `${elsewhere.pathname.slice(1)}_late`
      elsewhere.pathname = `/${name}`
      const { readiness, ready } = yield* start(Redacted.make(elsewhere.href))

      const refused = yield* until(readiness, ({ body }) => JSON.stringify(body).includes("does not exist"))
      const admin = yield* DatabaseSession.session(url)
      yield* Effect.acquireRelease(
        admin`create database ${admin(name)}`,
        () => Effect.ignore(admin`drop database ${admin(name)} with (force)`)
      )
      yield* ready

      assert.strictEqual(refused.status, 503)
      assert.strictEqual(said("does not exist): trying on"), 1, lines.join("\n"))
    }).pipe(Effect.scoped, Effect.provide(live)), 60_000)

  it.live("waits at the start while the password is wrong, and names the server's words", () =>
    Effect.gen(function*() {
      lines.length = 0
      const { admin, name, url } = yield* writerRole("right")
      const { publish, readiness, ready } = yield* start(withPassword(url, name, "wrong"))

      const refused = yield* until(readiness, ({ body }) =>
        JSON.stringify(body).includes("password authentication failed"))
      yield* admin`alter role ${admin(name)} password 'wrong'`
      yield* ready
      yield* publish("after the right one")
      yield* until(rows(url), (found) =>
        found.length === 1)

      assert.strictEqual(refused.status, 503)
      assert.isFalse(lines.some((line) => line.includes("wrong@")), "the password is in a log line")
    }).pipe(Effect.scoped, Effect.provide(live)), 60_000)

  it.live("is not ready while its password was replaced, and loses nothing of that time", () =>
    Effect.gen(function*() {
      lines.length = 0
      const { admin, name, url } = yield* writerRole("first")
      const { publish, readiness, ready } = yield* start(withPassword(url, name, "first"))
      yield* ready
      yield* admin`alter role ${admin(name)} password 'second'`
      yield* admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${name}`

      const refused = yield* until(readiness, ({ status }) => status === 503)
      yield* publish("while it was another")
      const still = yield* until(
        readiness,
        ({ body }) => JSON.stringify(body).includes("password authentication failed")
      )
      yield* admin`alter role ${admin(name)} password 'first'`
      yield* ready
      yield* until(rows(url), (found) => found.length === 1)

      assert.deepStrictEqual([refused.status, still.status], [503, 503])
      assert.deepStrictEqual([said("The database is away"), said("The database is back")], [1, 1], lines.join("\n"))
    }).pipe(Effect.scoped, Effect.provide(live)), 60_000)
})
