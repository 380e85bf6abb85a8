/** `serviceradar up` as a user starts it: a separate process in an empty folder. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, FileSystem, Option, Schema } from "effect"
import * as os from "node:os"
import * as ProcessTable from "../../src/layers/process/ProcessTable.ts"
import * as Program from "../support/Program.ts"

const Status = Schema.Struct({
  agentId: Schema.NonEmptyString,
  serviceName: Schema.NonEmptyString,
  serviceType: Schema.NonEmptyString,
  available: Schema.Boolean,
  responseTimeNanos: Schema.Int,
  message: Schema.String,
  at: Schema.DateTimeUtcFromString
})
const decodeStatuses = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Array(Status)))
const decodeState = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Struct({ httpUrl: Schema.String, pid: Schema.Int }))
)

/** A new folder that PostgreSQL's own user may enter. */
const folder = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-up-" })
  yield* files.chmod(directory, 0o755)
  return `${directory}/data`
})

const once = Effect.fnUntraced(function*(directory: string) {
  const program = yield* Program.start(["up", "--once", "--json", "--dir", directory])
  const code = yield* Effect.timeout(program.exited, "60 seconds")
  return { code, program, statuses: yield* decodeStatuses(program.stdout()) }
})

const postgresOf = Effect.fnUntraced(function*(directory: string) {
  const files = yield* FileSystem.FileSystem
  return Number((yield* files.readFileString(`${directory}/postgres/data/postmaster.pid`)).split("\n")[0])
})

const started = Effect.fnUntraced(function*(directory: string) {
  const files = yield* FileSystem.FileSystem
  const program = yield* Program.start(["up", "--json", "--dir", directory])
  const shown = Program.eventually(
    "first statuses",
    Effect.sync(() => program.stdout().includes("core-grpc") ? Option.some(true) : Option.none()),
    { within: "60 seconds", programs: [program] }
  )
  const ended = Effect.flatMap(program.exited, (code) => Effect.die(`ended with ${code}: ${program.output()}`))
  yield* Effect.raceFirst(shown, ended)
  const state = yield* Effect.flatMap(files.readFileString(`${directory}/run.json`), decodeState)
  return { program, state, postgres: yield* postgresOf(directory) }
})

/** The process id of the nats-server of its own, once there is one other than that before. */
const natsServer = Effect.fnUntraced(function*(directory: string, program: Program.Program, before?: number) {
  const files = yield* FileSystem.FileSystem
  const written = Effect.option(files.readFileString(`${directory}/nats/nats-server.pid`))
  return yield* Program.eventually(
    "a nats-server",
    Effect.map(written, (text) => Option.filter(Option.map(text, Number), (pid) => pid > 0 && pid !== before)),
    { within: "60 seconds", programs: [program] }
  )
})

const Services = Schema.Struct({ services: Schema.Array(Schema.Struct({ reportedAt: Schema.String })) })

/** When the newest status that core shows was reported, in milliseconds; none while core has no database. */
const newestReport = (httpUrl: string): Effect.Effect<Option.Option<number>> =>
  Program.fetchJson(`${httpUrl}/api/services`).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Services)),
    Effect.map(({ services }) => Option.some(Math.max(...services.map((one) => Date.parse(one.reportedAt))))),
    Effect.catch(() => Effect.succeedNone)
  )

const Devices = Schema.Struct({
  results: Schema.Array(Schema.Struct({ uid: Schema.String, hostname: Schema.Unknown }))
})

/** What a query answers of devices, by their ids. */
const devicesOf = (httpUrl: string) =>
  Effect.tryPromise((signal) =>
    fetch(`${httpUrl}/api/query`, {
      method: "POST",
      body: JSON.stringify({ query: "in:devices" }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)])
    }).then((response) => response.json())
  ).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Devices)),
    Effect.map(({ results }) => results),
    Effect.orElseSucceed(() => [])
  )

/** What else the machine does only adds to a latency. */
const bestOfThree = { retry: 2, timeout: 120_000 }

describe("serviceradar up", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("answers --once --json with what core has stored, and starts again with the same configuration", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const directory = yield* folder

        const first = yield* once(directory)
        const config = yield* files.readFileString(`${directory}/poller.json`)
        const second = yield* once(directory)

        for (const run of [first, second]) {
          assert.isAtLeast(run.statuses.length, 8)
          assert.strictEqual(run.code, run.statuses.every((status) => status.available) ? 0 : 1)
          assert.isTrue(run.statuses.some((status) => status.serviceName === "core-grpc" && status.available))
        }
        assert.include(second.program.output(), "Using the configuration")
        assert.notInclude(second.program.output(), "creating the database")
        assert.strictEqual(yield* files.readFileString(`${directory}/poller.json`), config)
      }))

    it.effect("exits with 1 when a service is down", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const directory = yield* folder
        const check = { service_type: "process", service_name: "gone", details: "no-such-process-here" }
        yield* files.makeDirectory(directory)
        yield* files.writeFileString(
          `${directory}/poller.json`,
          JSON.stringify({
            poller_id: "p",
            core_address: "127.0.0.1:50052",
            agents: { "local-agent": { address: "127.0.0.1:50051", checks: [check] } }
          })
        )

        const { code, statuses } = yield* once(directory)

        assert.deepStrictEqual(statuses.map(({ available, serviceName }) => [serviceName, available]), [[
          "gone",
          false
        ]])
        assert.strictEqual(code, 1)
      }))

    it.effect("exits with 2 and names every problem of a configuration that cannot be used", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const directory = yield* folder
        yield* files.makeDirectory(directory)
        yield* files.writeFileString(`${directory}/poller.json`, "{\"poller_id\": 3, \"agents\": {}}")

        const program = yield* Program.start(["up", "--once", "--dir", directory])

        assert.strictEqual(yield* program.exited, 2)
        assert.include(program.output(), `${directory}/poller.json:1:15: poller_id is 3, expected`)
        assert.notInclude(program.output(), "    at ")
      }))

    it.effect("tells with tree --trace what a child does, as it happens", () =>
      Effect.gen(function*() {
        const directory = yield* folder
        const { postgres } = yield* started(directory)
        const trace = yield* Program.start(["tree", "--dir", directory, "--trace", "Up/Core/PostgreSQL"])
        const told = (what: string, text: RegExp) =>
          Program.eventually(
            what,
            Effect.sync(() => Option.liftPredicate(trace.stdout(), (lines) => text.test(lines))),
            { within: "30 seconds", programs: [trace] }
          )
        const end = /Up\/Core\/PostgreSQL ChildExited/
        // Nothing tells from outside when a trace has begun; it mostly has before another program could start and end.
        yield* Effect.timeout(Effect.exit((yield* Program.start(["tree", "--dir", directory])).exited), "30 seconds")

        process.kill(postgres, "SIGKILL")
        // A trace that began between its end and its next start shows the start only: then the next end is its first.
        const shown = yield* told("what becomes of PostgreSQL", /Up\/Core\/PostgreSQL Child(Exited|Started)/)
        if (!end.test(shown)) process.kill(yield* postgresOf(directory), "SIGKILL")
        yield* told("the end of PostgreSQL", end)
        const lines = yield* told(
          "its next start",
          /Up\/Core\/PostgreSQL ChildExited[^]*Up\/Core\/PostgreSQL ChildStarted/
        )

        assert.match(lines, /^\d\d:\d\d:\d\d\.\d{3} Up\/Core\/PostgreSQL ChildExited failure/m)
        assert.notInclude(lines, "Up/Agent")
      }))

    it.effect("shows its tree, refuses a second one, and is gone without a trace after Ctrl-C", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const directory = yield* folder
        const { postgres, program, state } = yield* started(directory)

        const tree = yield* Program.start(["tree", "--dir", directory])
        assert.strictEqual(yield* tree.exited, 0)
        assert.match(tree.stdout(), /PostgreSQL +running/)

        const machine = yield* Program.eventually(
          "the machine among the devices, under its own name",
          Effect.map(
            devicesOf(state.httpUrl),
            (devices) => Option.fromUndefinedOr(devices.find(({ hostname }) => hostname === os.hostname()))
          ),
          { within: "40 seconds", programs: [program] }
        )
        assert.strictEqual(machine.uid, "serviceradar:agent:local-agent")

        const rival = yield* Program.start(["up", "--dir", directory])
        assert.strictEqual(yield* rival.exited, 2)
        assert.include(rival.output(), `is in use by the serviceradar up with process id ${program.pid}`)

        yield* program.kill("SIGINT")
        assert.strictEqual(yield* Effect.timeout(program.exited, "30 seconds"), 0)
        assert.isTrue(Option.isNone(yield* ProcessTable.startTicks(postgres)))
        assert.isFalse(yield* files.exists(`${directory}/run.json`))
        assert.isFalse(yield* files.exists(`${directory}/owner.json`))
      }))

    it.effect("starts over what a killed one left behind", () =>
      Effect.gen(function*() {
        const directory = yield* folder
        const killed = yield* started(directory)
        const nats = yield* natsServer(directory, killed.program)
        yield* killed.program.kill("SIGKILL")
        yield* killed.program.exited

        const { code, statuses } = yield* once(directory)

        assert.isAtLeast(statuses.length, 8)
        assert.strictEqual(code, statuses.every((status) => status.available) ? 0 : 1)
        assert.isTrue(Option.isNone(yield* ProcessTable.startTicks(killed.postgres)))

        // One poll needs no NATS and leaves it alone; the next `up` puts its own in its place.
        const { program } = yield* started(directory)
        const next = yield* natsServer(directory, program, nats)
        assert.isTrue(Option.isNone(yield* ProcessTable.startTicks(nats)))
        yield* program.kill("SIGINT")
        assert.strictEqual(yield* Effect.timeout(program.exited, "30 seconds"), 0)
        assert.isTrue(Option.isNone(yield* ProcessTable.startTicks(next)))
      }))

    it.effect("goes on when PostgreSQL is killed, and restarts nothing else", () =>
      Effect.gen(function*() {
        const directory = yield* folder
        const { postgres, program, state } = yield* started(directory)

        yield* Effect.sync(() => process.kill(postgres, "SIGKILL"))
        yield* Program.eventually(
          "core notices",
          Effect.map(
            newestReport(state.httpUrl),
            (newest) => Option.isNone(newest) ? Option.some(true) : Option.none<boolean>()
          ),
          { within: "10 seconds", programs: [program] }
        )
        const lastBefore = yield* Clock.currentTimeMillis
        yield* Program.eventually("core answers again", newestReport(state.httpUrl), {
          within: "10 seconds",
          programs: [program]
        })
        const returnedAt = yield* Clock.currentTimeMillis
        yield* Program.eventually(
          "a status measured after the return",
          Effect.map(newestReport(state.httpUrl), Option.filter((newest: number) => newest > returnedAt)),
          { within: "10 seconds", programs: [program] }
        )
        assert.isBelow((yield* Clock.currentTimeMillis) - returnedAt, 5_000)
        assert.isBelow(returnedAt - lastBefore, 5_000)

        const text = yield* Program.eventually(
          "PostgreSQL restarted",
          Effect.gen(function*() {
            const tree = yield* Program.start(["tree", "--url", state.httpUrl])
            yield* tree.exited
            return /PostgreSQL +running.*1 restart/.test(tree.stdout()) ? Option.some(tree.stdout()) : Option.none()
          }).pipe(Effect.scoped),
          { within: "40 seconds", programs: [program] }
        )
        const restarted = text.split("\n").filter((line) => line.includes("1 restart"))
        assert.lengthOf(restarted, 1, restarted.join("\n"))
      }), bestOfThree)
  })
})
