/** A poller beside another one: a shadow of it, a comparison of the two, and a rollback, each a process of its own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import { get, send } from "../support/http.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const Comparison = Schema.fromJsonString(Schema.Struct({
  is_equal: Schema.Boolean,
  checks: Schema.Array(Schema.Struct({
    agentId: Schema.String,
    serviceName: Schema.String,
    left: Schema.Struct({ samples: Schema.Int, available: Schema.Int, latencyMillis: Schema.NullOr(Schema.Json) }),
    right: Schema.Struct({ samples: Schema.Int, available: Schema.Int, latencyMillis: Schema.NullOr(Schema.Json) }),
    payload: Schema.Array(Schema.Struct({ path: Schema.String, kind: Schema.String })),
    differences: Schema.Array(Schema.String)
  }))
}))

const writeJson = (file: string, value: unknown) => Effect.promise(() => fs.writeFile(file, JSON.stringify(value)))

const linesOf = (folder: string) =>
  Effect.promise(() => fs.readFile(path.join(folder, "shadow.jsonl"), "utf8").catch(() => "")).pipe(
    Effect.map((text) => text.split("\n").length - 1)
  )

const manyLines = (folder: string, count: number, programs: ReadonlyArray<Program.Program>) =>
  Program.eventually(
    `${count} lines of the shadow in ${folder}`,
    Effect.map(linesOf(folder), Option.liftPredicate((lines) => lines >= count)),
    { within: "90 seconds", programs }
  )

const pollerFile = (of: {
  readonly core: string
  readonly agent: string
  readonly checks: ReadonlyArray<unknown>
  readonly rollout?: unknown
}) => ({
  poller_id: "poller-1",
  source_ip: "127.0.0.1",
  core_address: of.core,
  poll_interval: "500ms",
  agents: { "edge-1": { address: of.agent, checks: of.checks } },
  ...(of.rollout === undefined ? {} : { rollout: of.rollout })
})

const portCheck = (name: string, port: number) => ({
  service_type: "port",
  service_name: name,
  details: `127.0.0.1:${port}`
})

/** What it printed and how it ended. */
const compare = Effect.fnUntraced(function*(args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) {
  const program = yield* Program.start(["compare", ...args], { env })
  const code = yield* program.exited
  return { code, stdout: program.stdout(), output: program.output() }
})

describe("A shadow poller", () => {
  it.live("measures what the poller beside it reports, and tells core nothing", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = (name: string) => path.join(folder, name)
      const { url } = yield* TestDatabase
      const ports = { core: yield* Program.freePort, agent: yield* Program.freePort, none: yield* Program.freePort }
      yield* writeJson(file("core.json"), { listen_addr: "127.0.0.1:0", grpc_addr: `127.0.0.1:${ports.core}` })
      yield* writeJson(file("agent.json"), { agent_id: "edge-1", listen_addr: `127.0.0.1:${ports.agent}` })
      const of = {
        core: `127.0.0.1:${ports.core}`,
        agent: `127.0.0.1:${ports.agent}`,
        checks: [portCheck("core", ports.core), portCheck("nothing", ports.none)]
      }
      const shadow = file("shadow")
      yield* writeJson(file("active.json"), pollerFile(of))
      yield* writeJson(file("shadow.json"), {
        ...pollerFile({ ...of, rollout: { mode: "shadow", dir: shadow } }),
        poller_id: "poller-2"
      })
      const env = { DATABASE_URL: Redacted.value(url), NATS_URL: "", EVENT_WRITER_ENABLED: "" }
      const peers = [
        yield* Program.start(["core", "--config", file("core.json"), "--http", "off"], { env }),
        yield* Program.start(["agent", "--config", file("agent.json"), "--http", "off"], { env })
      ]
      yield* Program.eventually(
        "core and agent serve",
        Effect.sync(() =>
          peers.every((peer) => /serves gRPC|takes reports/.test(peer.output())) ? Option.some(true) : Option.none()
        ),
        { within: "90 seconds", programs: peers }
      )
      const programs = [
        ...peers,
        yield* Program.start(["poller", "--config", file("active.json"), "--http", "off"], { env }),
        yield* Program.start(["poller", "--config", file("shadow.json"), "--http", "off"], { env })
      ]
      yield* manyLines(shadow, 30, programs)
      const database = { DATABASE_URL: Redacted.value(url) }
      const settled = yield* Program.eventually(
        "both have measured for a while",
        Effect.gen(function*() {
          const { stdout } = yield* compare(["core:poller-1", shadow, "--json"], database)
          const compared = yield* Schema.decodeUnknownEffect(Comparison)(stdout)
          const isLong = compared.checks.length === 2 && compared.checks.every(({ left }) => left.samples >= 5)
          return isLong ? Option.some(compared) : Option.none()
        }).pipe(Effect.scoped),
        { within: "90 seconds", programs }
      )

      assert.isTrue(settled.is_equal, JSON.stringify(settled))
      const [up, down] = settled.checks
      assert.strictEqual(up?.left.available, up?.left.samples)
      assert.strictEqual(up?.right.available, up?.right.samples)
      assert.isNotNull(up?.left.latencyMillis)
      assert.isNotNull(up?.right.latencyMillis)
      assert.strictEqual(down?.right.available, 0)
      const asTable = yield* compare(["core:poller-1", shadow], database)
      assert.strictEqual(asTable.code, 0, asTable.output)
      assert.match(asTable.stdout, /edge-1 +port core +100 % of \d+ +100 % of \d+/)
      // Core knows nothing of the shadow.
      const unknown = yield* compare(["core:poller-2", shadow], database)
      assert.strictEqual(unknown.code, 2)
      assert.include(unknown.output, "core, poller poller-2 has no status")
      const without = yield* compare(["core:poller-1", shadow], { DATABASE_URL: "" })
      assert.strictEqual(without.code, 2)
      const { mode } = yield* Effect.promise(() => fs.stat(path.join(shadow, "shadow.jsonl")))
      assert.strictEqual(mode & 0o777, 0o600)
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer)), 300_000)

  it.live("shows in which payloads and checks two pollers differ", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const answering = (text: string) =>
        FakeAgent.serve({ getStatus: () => Effect.succeed(FakeAgent.available(Buffer.from(text))) })
      const start = Effect.fnUntraced(function*(name: string, agent: string, checks: ReadonlyArray<unknown>) {
        const config = path.join(folder, `${name}.json`)
        const shadow = path.join(folder, name)
        const rollout = { mode: "shadow", dir: shadow }
        yield* writeJson(config, pollerFile({ core: "127.0.0.1:1", agent, checks, rollout }))
        const program = yield* Program.start(["poller", "--config", config, "--http", "off"])
        return { shadow, program }
      })
      const old = yield* start("old", yield* answering("{\"version\":\"1\",\"host\":\"a\"}"), [portCheck("ssh", 22)])
      const fresh = yield* start("new", yield* answering("{\"version\":2,\"host\":\"b\"}"), [
        portCheck("ssh", 22),
        portCheck("web", 80)
      ])
      const programs = [old.program, fresh.program]
      yield* Effect.all([manyLines(old.shadow, 10, programs), manyLines(fresh.shadow, 20, programs)])
      const asJson = yield* compare([old.shadow, path.join(fresh.shadow, "shadow.jsonl"), "--json"])
      const compared = yield* Schema.decodeUnknownEffect(Comparison)(asJson.stdout)
      assert.strictEqual(asJson.code, 1)
      assert.deepStrictEqual(compared.checks.map(({ payload, serviceName }) => [serviceName, ...payload]), [
        ["ssh", { path: "host", kind: "value" }, { path: "version", kind: "type" }],
        ["web"]
      ])
      const asTable = yield* compare([old.shadow, fresh.shadow])
      assert.match(asTable.stdout, /ssh .*payload \(2 paths\)/)
      assert.match(asTable.stdout, /web .*only on the right/)
      assert.include(asTable.stdout, "  host (available): value \"a\" on the left, \"b\" on the right")
    }).pipe(Effect.scoped), 240_000)
})

describe("A rollout", () => {
  it.live(
    "is rolled back by its errors, by hand and over HTTP; the poller then asks and reports nothing",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const received: Array<FakeCore.Received> = []
        const core = yield* FakeCore.serve({ received, takesParts: true })
        const asked: Array<string> = []
        let isFailing = false
        const agentAddress = yield* FakeAgent.serve({
          getStatus: (name) =>
            Effect.suspend(() => {
              asked.push(name)
              return isFailing ? Effect.never : Effect.succeed(FakeAgent.available(Buffer.from("{}")))
            })
        })
        const http = `127.0.0.1:${yield* Program.freePort}`
        const rollback = path.join(folder, "rollout", "rollback.json")
        const rollout = {
          dir: path.join(folder, "rollout"),
          error_polls_min: 20,
          error_window: "10s",
          error_percent_max: 5
        }
        yield* writeJson(path.join(folder, "poller.json"), {
          ...pollerFile({
            core: core.address,
            agent: agentAddress,
            checks: [{ ...portCheck("ssh", 22), timeout: "200ms" }],
            rollout
          }),
          poll_interval: "100ms"
        })
        const start = Program.start(["poller", "--config", path.join(folder, "poller.json"), "--http", http])
        const first = yield* start
        const isRolledBack = Effect.map(get(http, "/health/ready"), ({ body }) =>
          JSON.stringify(body).includes("rolled back"))
        const becomes = (rolledBack: boolean, programs: ReadonlyArray<Program.Program>) =>
          Program.eventually(
            `the rollout is ${rolledBack ? "rolled back" : "going on"}`,
            Effect.map(
              Effect.catchDefect(isRolledBack, () =>
                Effect.succeed(!rolledBack)),
              (is) => is === rolledBack ? Option.some(is) : Option.none()
            ),
            { within: "60 seconds", programs }
          )
        const grows = (what: string, count: () => number, programs: ReadonlyArray<Program.Program>) =>
          Effect.suspend(() => {
            const before = count()
            return Program.eventually(
              `more ${what}`,
              Effect.sync(() => count() > before + 5 ? Option.some(true) : Option.none()),
              { within: "60 seconds", programs }
            )
          })
        /** Several intervals and reports. */
        const silence = Effect.gen(function*() {
          const before = asked.length + received.length
          yield* Effect.sleep("2 seconds")
          return asked.length + received.length - before
        })

        yield* grows("reports", () => received.length, [first])
        yield* becomes(false, [first])
        isFailing = true
        yield* becomes(true, [first])
        isFailing = false
        const recorded = yield* Program.eventually(
          "the rollback's file",
          Effect.promise(() => fs.readFile(rollback, "utf8").then(Option.some, () => Option.none())),
          { within: "60 seconds", programs: [first] }
        )
        assert.match(recorded, /"reason":"\d+ of \d+ polls in 10s had no answer/)
        // What had been measured is still brought to core.
        yield* Effect.sleep("1 second")
        assert.strictEqual(yield* silence, 0)

        yield* first.kill("SIGKILL")
        yield* first.exited
        const second = yield* start
        yield* becomes(true, [second])
        assert.strictEqual(yield* silence, 0)

        yield* Effect.promise(() => fs.rm(rollback))
        yield* grows("polls", () => asked.length, [second])
        yield* becomes(false, [second])
        const answer = yield* send(http, "/api/rollout/rollback", "POST")
        assert.strictEqual(answer.status, 200)
        yield* becomes(true, [second])
        yield* Effect.sleep("1 second")
        assert.strictEqual(yield* silence, 0)
        yield* send(http, "/api/rollout/resume", "POST")
        yield* grows("polls", () => asked.length, [second])
        const { body } = yield* get(http, "/api/rollout")
        assert.include(JSON.stringify(body), "\"mode\":\"active\",\"agents\":[\"edge-1\"]")
        assert.include(JSON.stringify(body), "\"rollback\":null")
      }).pipe(Effect.scoped),
    120_000
  )
})
