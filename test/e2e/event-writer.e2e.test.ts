/** `serviceradar event-writer` as a user starts it: a separate process between a real NATS and a real PostgreSQL. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer, Option, Redacted, Schema, Scope } from "effect"
import { WriterReport } from "../../src/domain/events/reporting/WriterReport.ts"
import { TreeNode } from "../../src/domain/supervision/TreeNode.ts"
import type { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"
import { audit, awaitSettled, awaitStreams, environment, natsConnection, publish } from "../support/eventWriter.ts"
import { markedEvent } from "../support/markedEvents.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import * as TestConnection from "../support/TestConnection.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const layer = Layer.mergeAll(TestConnection.layer, NodeServices.layer)

const start = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Program.start(["event-writer", ...args], { env: { EVENT_WRITER_LISTEN_ADDR: "127.0.0.1:0", ...env } })

const said = (program: Program.Program, text: string) =>
  Program.eventually(
    `the program says ${JSON.stringify(text)}`,
    Effect.sync(() => Option.liftPredicate(true, () => program.output().includes(text))),
    { within: "60 seconds", programs: [program] }
  )

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, at) => at + 1)

/** Those that the server has said it keeps. */
const publishAll = Effect.fnUntraced(function*(url: string, marks: ReadonlyArray<number>) {
  const connection = yield* natsConnection(url)
  yield* awaitStreams(connection)
  const kept = yield* Effect.promise(() => Promise.all(marks.map((mark) => publish(connection, mark))))
  return { connection, published: { acked: new Set(marks.filter((_, at) => kept[at])), unknown: new Set<number>() } }
})

const fine = { lost: [], duplicated: [], torn: [] }

const rowsOf = (marks: ReadonlyArray<number>): number => marks.reduce((sum, mark) => sum + markedEvent(mark).rows, 0)

const poisonIn = (marks: ReadonlyArray<number>): number => marks.filter((mark) => markedEvent(mark).rows === 0).length

const Tree = Schema.Struct({ tree: Schema.Array(TreeNode) })

describe("serviceradar event-writer", () => {
  it.live(
    "stores all seven streams, keeps poison as dead letters, shows its tree, and drains on SIGTERM",
    () =>
      Effect.gen(function*() {
        const { url } = yield* TestDatabase
        const server = yield* NatsServer.start()
        const http = yield* Program.freePort
        const env = environment(server.url, Redacted.value(url))
        const program = yield* start(["--http", `127.0.0.1:${http}`], env)
        const marks = numbers(700)
        const { connection, published } = yield* publishAll(server.url, marks)

        yield* awaitSettled(connection, { within: "60 seconds", programs: [program] })
        const ready = yield* Program.fetchJson(`http://127.0.0.1:${http}/health/ready`)
        const { tree } = yield* Effect.flatMap(
          Program.fetchJson(`http://127.0.0.1:${http}/api/tree`),
          Schema.decodeUnknownEffect(Tree)
        )
        const drawn = yield* Program.start(["tree", "--url", `http://127.0.0.1:${http}`])
        const drawnCode = yield* drawn.exited
        // What is published right before the stop is stored by this writer or the next one.
        const late = numbers(1_000).slice(700)
        const lately = yield* publishAll(server.url, late)
        yield* program.kill("SIGTERM")
        const code = yield* program.exited
        const second = yield* start(["--http", "off"], env)
        yield* awaitSettled(connection, { within: "60 seconds", programs: [second] })
        const result = yield* audit(connection, {
          acked: new Set([...published.acked, ...lately.published.acked]),
          unknown: new Set<number>()
        })

        assert.nestedPropertyVal(ready, "status", "ready")
        assert.deepStrictEqual(tree[0]?.children.map(({ id }) => id), [
          "Database",
          "SecurityManager",
          "SecurityMonitor",
          "NatsConnection",
          "EventTables",
          "DatabaseHealth",
          "TraceSummaries",
          "Pipeline",
          "GrpcServer",
          "ManagementServer"
        ])
        assert.strictEqual(drawnCode, 0)
        assert.include(drawn.stdout(), "OTEL_METRICS")
        assert.strictEqual(code, 0, program.output())
        assert.deepInclude(result, {
          ...fine,
          rows: rowsOf([...marks, ...late]),
          deadLetters: poisonIn([...marks, ...late])
        })
      }).pipe(Effect.scoped, Effect.provide(layer)),
    120_000
  )

  it.live(
    "starts with a file of the Go writer, a password file and one stream that somebody else made",
    () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const { url } = yield* TestDatabase
        const server = yield* NatsServer.start()
        const folder = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-event-writer-" })
        const database = new URL(Redacted.value(url))
        const connection = yield* natsConnection(server.url)
        const manager = yield* Effect.promise(() =>
          import("@nats-io/jetstream").then((js) => js.jetstreamManager(connection))
        )
        yield* Effect.promise(() =>
          manager.streams.add({ name: "events", subjects: ["logs.>", "telemetry.>", "events.>", "otel.>"] })
        )
        yield* files.writeFileString(`${folder}/password`, `${decodeURIComponent(database.password)}\n`)
        const file = `${folder}/db-event-writer.json`
        yield* files.writeFileString(
          file,
          JSON.stringify({
            listen_addr: "127.0.0.1:0",
            nats_url: server.url,
            stream_name: "events",
            consumer_name: "db-event-writer",
            agent_id: "agent-1",
            streams: [{ subject: "logs.>", table: "logs" }, { subject: "telemetry.>", table: "timeseries_metrics" }],
            cnpg: {
              host: database.hostname,
              port: Number(database.port),
              database: database.pathname.slice(1),
              username: decodeURIComponent(database.username),
              max_connections: 4
            }
          })
        )
        const program = yield* Program.start(["event-writer", "-config", file, "--http", "off"], {
          env: {
            CNPG_PASSWORD_FILE: `${folder}/password`,
            EVENT_WRITER_TENANT: "acme",
            EVENT_WRITER_BATCH_TIMEOUT: "50"
          }
        })
        const marks = numbers(200).filter((mark) => ["LOGS", "TELEMETRY"].includes(markedEvent(mark).stream))

        const kept = yield* Effect.promise(() => Promise.all(marks.map((mark) => publish(connection, mark))))
        const context = yield* Effect.context<PgConnection>()
        const result = yield* Program.eventually(
          "everything is stored",
          Effect.map(
            Effect.provide(audit(connection, { acked: new Set(marks), unknown: new Set<number>() }), context),
            (one) =>
              Option.liftPredicate(one, ({ rows, deadLetters }) =>
                rows === rowsOf(marks) && deadLetters === poisonIn(marks))
          ),
          { within: "60 seconds", programs: [program] }
        )
        const consumers = yield* Effect.promise(async () => {
          const names: Array<string> = []
          for await (const one of manager.consumers.list("events")) {
            names.push(one.name)
          }
          return names
        })
        yield* program.kill("SIGTERM")

        assert.isTrue(kept.every((one) =>
          one
        ))
        assert.deepInclude(result, fine)
        assert.isTrue(
          consumers.length > 0 && consumers.every((one) => one.startsWith("db-event-writer-")),
          consumers.join()
        )
        assert.strictEqual(yield* program.exited, 0, program.output())
      }).pipe(Effect.scoped, Effect.provide(layer)),
    120_000
  )

  it.live("waits for a NATS and a database that are away at the start", () =>
    Effect.gen(function*() {
      const natsPort = yield* Program.freePort
      const postgresPort = yield* Program.freePort
      const http = yield* Program.freePort
      const home = `${yield* temporaryFolder}/postgres`
      // What an earlier run left, so that address and password are known before the server runs.
      const before = yield* Effect.scoped(EmbeddedPostgres.start({ home, port: postgresPort, durable: false }))
      const program = yield* start(["--http", `127.0.0.1:${http}`], {
        ...environment(`nats://127.0.0.1:${natsPort}`, Redacted.value(before.url))
      })
      yield* said(program, `NATS at 127.0.0.1:${natsPort} is not available`)
      yield* said(program, "PostgreSQL at")
      const notReady = yield* Program.fetchJson(`http://127.0.0.1:${http}/health/ready`)

      const server = yield* NatsServer.start({ port: natsPort })
      yield* publishAll(server.url, numbers(100))
      yield* EmbeddedPostgres.start({ home, port: postgresPort, durable: false })
      yield* Program.eventually(
        "everything is settled",
        Effect.map(
          Effect.flatMap(
            Program.fetchJson(`http://127.0.0.1:${http}/api/event-writer`),
            Schema.decodeUnknownEffect(WriterReport)
          ),
          ({ streams }) =>
            Option.liftPredicate(
              true,
              () => streams.reduce((sum, one) => sum + one.stored + one.deadLettered, 0) >= 100
            )
        ),
        { within: "60 seconds", programs: [program] }
      )
      const ready = yield* Program.fetchJson(`http://127.0.0.1:${http}/health/ready`)
      yield* program.kill("SIGTERM")

      assert.nestedPropertyVal(notReady, "status", "not ready")
      assert.nestedPropertyVal(ready, "status", "ready")
      assert.strictEqual(yield* program.exited, 0, program.output())
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 120_000)

  it.live(
    "stops in time on SIGTERM with batches in hand while the database is away, and the next writer stores them",
    () =>
      Effect.gen(function*() {
        const home = `${yield* temporaryFolder}/postgres`
        const postgresPort = yield* Program.freePort
        const scope = yield* Scope.make()
        const postgres = { home, port: postgresPort, durable: false }
        const first = yield* EmbeddedPostgres.start(postgres).pipe(Scope.provide(scope))
        const server = yield* NatsServer.start()
        const env = environment(server.url, Redacted.value(first.url))
        const program = yield* start(["--http", "off"], env)
        const before = yield* publishAll(server.url, numbers(100))
        yield* awaitSettled(before.connection, { within: "60 seconds", programs: [program] })

        yield* Scope.close(scope, Exit.void)
        yield* publishAll(server.url, numbers(600).slice(100))
        yield* said(program, "The database is away")
        yield* program.kill("SIGTERM")
        const code = yield* program.exited.pipe(Effect.timeout("15 seconds"))
        yield* EmbeddedPostgres.start(postgres)
        const second = yield* start(["--http", "off"], env)
        yield* awaitSettled(before.connection, { within: "60 seconds", programs: [second] })

        assert.strictEqual(code, 0, program.output())
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    120_000
  )

  it.live("stops in time on SIGTERM while both are away, and loses nothing", () =>
    Effect.gen(function*() {
      const nowhere = yield* Program.freePort
      const program = yield* start(["--http", "off"], {
        ...environment(`nats://127.0.0.1:${nowhere}`, `postgresql://nobody@127.0.0.1:${nowhere}/none`)
      })
      yield* said(program, "is not available")

      yield* program.kill("SIGTERM")
      const code = yield* program.exited.pipe(Effect.timeout("15 seconds"))

      assert.strictEqual(code, 0, program.output())
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("runs inside core where EVENT_WRITER_ENABLED says so, and nowhere else", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const { url } = yield* TestDatabase
      const server = yield* NatsServer.start()
      const core = Effect.fnUntraced(function*(enabled: string) {
        const http = yield* Program.freePort
        const folder = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-core-" })
        const file = `${folder}/core.json`
        const grpc = yield* Program.freePort
        yield* files.writeFileString(file, JSON.stringify({ grpc_addr: `127.0.0.1:${grpc}` }))
        const program = yield* Program.start(["core", "--config", file, "--http", `127.0.0.1:${http}`], {
          env: {
            ...environment(server.url, Redacted.value(url)),
            // With it, core would tell of itself through NATS, writer or not.
            NATS_URL: "",
            EVENT_WRITER_NATS_URL: server.url,
            EVENT_WRITER_ENABLED: enabled
          }
        })
        yield* Program.eventually(
          "core is ready",
          Effect.map(
            Program.fetchJson(`http://127.0.0.1:${http}/health/ready`),
            (body) => Option.liftPredicate(true, () => JSON.stringify(body).includes("\"status\":\"ready\""))
          ),
          { within: "60 seconds", programs: [program] }
        )
        const { tree } = yield* Effect.flatMap(
          Program.fetchJson(`http://127.0.0.1:${http}/api/tree`),
          Schema.decodeUnknownEffect(Tree)
        )
        return { program, children: tree[0]?.children.map(({ id }) => id) ?? [] }
      })

      const without = yield* core("")
      yield* without.program.kill("SIGTERM")
      const withoutCode = yield* without.program.exited
      const withWriter = yield* core("yes")
      const { connection } = yield* publishAll(server.url, numbers(100))
      yield* awaitSettled(connection, { within: "60 seconds", programs: [withWriter.program] })
      yield* withWriter.program.kill("SIGTERM")

      assert.notInclude(without.children, "EventWriter")
      assert.includeMembers([...without.children], ["Database", "Retention", "GrpcServer", "ManagementServer"])
      // It keeps the settings of services in NATS, and takes no events from there.
      assert.include([...without.children], "Settings")
      assert.strictEqual(withoutCode, 0)
      assert.include(withWriter.children, "EventWriter")
      assert.strictEqual(yield* withWriter.program.exited, 0, withWriter.program.output())
    }).pipe(Effect.scoped, Effect.provide(layer)), 120_000)

  it.live("names file, key, value and expectation of a wrong file, and exits with 2", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const folder = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-event-writer-" })
      const file = `${folder}/db-event-writer.json`
      yield* files.writeFileString(
        file,
        JSON.stringify({
          listen_addr: ":50041",
          nats_url: "http://nats",
          stream_name: "events",
          streams: [{ subject: "logs.>", table: "otel_traces" }],
          cnpg: { host: "pg", username: "u", database: " " }
        })
      )

      const program = yield* start(["--config", file], {})
      const code = yield* program.exited
      const check = yield* Program.start(["config", "check", file])
      const checkCode = yield* check.exited

      assert.strictEqual(code, 2)
      for (
        const part of [
          `${file}:1:`,
          "nats_url is \"http://nats\", expected an address such as",
          "consumer_name is missing",
          "cnpg.database is \" \", expected a value that is not blank"
        ]
      ) assert.include(program.output(), part)
      assert.strictEqual(checkCode, 1)
      assert.include(check.stdout(), "no valid event-writer configuration")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("names every variable that is wrong or missing, and exits with 2", () =>
    Effect.gen(function*() {
      const wrong = yield* start([], { EVENT_WRITER_BATCH_SIZE: "lots", EVENT_WRITER_NATS_TLS: "maybe" })
      const missing = yield* start([], {})
      const unreadable = yield* start([], {
        DATABASE_URL: "postgresql://u@127.0.0.1:1/d",
        EVENT_WRITER_NATS_CREDS_FILE: "/nowhere/writer.creds"
      })

      assert.strictEqual(yield* wrong.exited, 2)
      assert.include(wrong.output(), "EVENT_WRITER_BATCH_SIZE is \"lots\", expected a whole number")
      assert.include(wrong.output(), "EVENT_WRITER_NATS_TLS is \"maybe\", expected true, 1, yes or on")
      assert.strictEqual(yield* missing.exited, 2)
      assert.include(missing.output(), "No database: set DATABASE_URL")
      assert.strictEqual(yield* unreadable.exited, 2)
      assert.include(unreadable.output(), "/nowhere/writer.creds")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
