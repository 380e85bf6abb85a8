/** States of core's database in which it answers, or refuses, and stores nothing: each is said once, and its end once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, Schedule } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { PollerServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as CoreProcess from "../support/coreProcess.ts"
import * as DatabaseSession from "../support/databaseSession.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

/** A core with the database at `url`, and a poller of it. */
const startCore = Effect.fnUntraced(function*(url: string) {
  const { config, ports } = yield* CoreProcess.configured(yield* temporaryFolder)
  const core = yield* Program.start(["core", "--config", config], { env: { DATABASE_URL: url } })
  const poller = yield* GrpcClient.make(PollerServiceService, { target: `127.0.0.1:${ports.grpc}` })
  const readiness = Effect.map(
    Program.fetchJson(`http://127.0.0.1:${ports.http}/health/ready`),
    (body) => JSON.stringify(body)
  )
  let seconds = 1_700_000_000n
  const report = Effect.suspend(() =>
    poller.reportStatus(CoreProcess.wireReport(seconds++, [CoreProcess.wireStatus({ serviceName: "ssh" })]))
  )
  const says = (what: string, pattern: RegExp) =>
    Program.eventually(what, Effect.map(readiness, Option.liftPredicate((text) => pattern.test(text))), {
      within: "30 seconds",
      programs: [core]
    })
  const services = Program.fetchJson(`http://127.0.0.1:${ports.http}/api/services`)
  const lines = (pattern: RegExp) => core.output().split("\n").filter((line) => pattern.test(line))
  return { core, lines, ready: says("core is ready", /"status":"ready"/), report, says, services }
})

const away = /PostgreSQL does not answer/
const back = /PostgreSQL answers again/

describe("Core whose database", () => {
  it.live("is read-only says so once, is not ready, and stores what waited when it is not any more", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const { lines, ready, report, says, services } = yield* startCore(Redacted.value(url))
      yield* ready
      yield* report
      const readOnly = yield* DatabaseSession.readOnly(yield* DatabaseSession.session(url))
      yield* readOnly.begin

      yield* says("the reason", /read-only/)
      // Reports that are refused, between questions that are answered, for longer than an outage takes to settle.
      yield* Effect.repeat(Effect.andThen(Effect.ignore(report), services), {
        schedule: Schedule.spaced("200 millis"),
        times: 10
      })
      const refused = yield* Effect.flip(report)
      const during = [lines(away).length, lines(back).length]
      yield* readOnly.end
      yield* ready
      yield* Effect.retry(report, Schedule.spaced("100 millis"))
      yield* Effect.repeat(report, { schedule: Schedule.spaced("200 millis"), times: 4 })

      assert.strictEqual(refused._tag, "Unavailable")
      assert.deepStrictEqual(during, [1, 0], lines(/PostgreSQL/).join("\n"))
      assert.deepStrictEqual([lines(away).length, lines(back).length], [1, 1], lines(/PostgreSQL/).join("\n"))
      assert.match(lines(away)[0] ?? "", /read-only transaction/)
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)))

  it.live("is not there at the start, or refuses the password, waits for it with the server's words", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const admin = yield* DatabaseSession.session(url)
      const elsewhere = new URL(Redacted.value(url))
      const name = `${elsewhere.pathname.slice(1)}_late`
      const role = `core_${name}`
      yield* Effect.acquireRelease(
        admin.unsafe(`create role "${role}" login superuser password 'right'`),
        () => Effect.ignore(admin.unsafe(`drop role "${role}"`))
      )
      elsewhere.pathname = `/${name}`
      elsewhere.username = role
      elsewhere.password = "wrong"
      const { lines, ready, report, says } = yield* startCore(elsewhere.href)

      yield* says("the server's words", /password authentication failed/)
      yield* admin.unsafe(`alter role "${role}" password 'wrong'`)
      yield* says("the server's words", /does not exist/)
      yield* Effect.acquireRelease(
        admin`create database ${admin(name)}`,
        () => Effect.ignore(admin`drop database ${admin(name)} with (force)`)
      )
      yield* ready
      const { received } = yield* report

      assert.isTrue(received)
      assert.lengthOf(lines(/password authentication failed.*trying on/), 1)
      assert.lengthOf(lines(/does not exist.*trying on/), 1)
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)))

  it.live(
    "was deleted under its server says whose data is gone, waits for nothing, and goes on with a new one",
    () =>
      Effect.gen(function*() {
        const { config, data, ports } = yield* CoreProcess.configured(yield* temporaryFolder)
        const core = yield* Program.start(["core", "--config", config])
        const isReady = Effect.map(
          Program.fetchJson(`http://127.0.0.1:${ports.http}/health/ready`),
          (body) => Option.liftPredicate(body, (one) => JSON.stringify(one).includes(`"status":"ready"`))
        )
        const waiting = { within: "60 seconds", programs: [core] } as const
        yield* Program.eventually("core is ready", isReady, waiting)

        yield* Effect.promise(() => fs.rm(path.join(data, "data"), { recursive: true }))
        yield* Program.eventually(
          "the data that are gone are named",
          Effect.sync(() =>
            Option.liftPredicate(
              true,
              () =>
                core.output().includes(
                  `The database in ${path.join(data, "data")} is gone: a new one, without its rows`
                )
            )
          ),
          waiting
        )
        yield* Program.eventually("core is ready again", isReady, waiting)

        assert.isTrue(core.isRunning())
        assert.strictEqual(core.output().split("without its rows, takes its place").length, 2)
      }),
    90_000
  )
})
