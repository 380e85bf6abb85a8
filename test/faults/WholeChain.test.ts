/**
 * Agent, poller and core as three processes against a real PostgreSQL; each is killed in turn.
 *
 * The poller is never restarted: its buffer and its connections have to outlive the others.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Redacted, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { get } from "../support/http.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const recoveryMaxMillis = 5_000
const pollIntervalMillis = 1_000

const Services = Schema.Struct({
  services: Schema.Array(
    Schema.Struct({ serviceName: Schema.String, available: Schema.Boolean, reportedAt: Schema.String })
  )
})

const writeJson = (file: string, value: unknown) => Effect.promise(() => fs.writeFile(file, JSON.stringify(value)))

const setUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const { url } = yield* TestDatabase
  const at = { agent: yield* Program.freePort, core: yield* Program.freePort }
  const http = { agent: yield* Program.freePort, core: yield* Program.freePort, poller: yield* Program.freePort }
  const file = (name: string) => path.join(folder, `${name}.json`)
  yield* writeJson(file("agent"), { agent_id: "agent-1", listen_addr: `127.0.0.1:${at.agent}` })
  yield* writeJson(file("core"), {
    listen_addr: `127.0.0.1:${http.core}`,
    grpc_addr: `127.0.0.1:${at.core}`
  })
  yield* writeJson(file("poller"), {
    poller_id: "poller-1",
    partition: "default",
    source_ip: "127.0.0.1",
    core_address: `127.0.0.1:${at.core}`,
    poll_interval: `${pollIntervalMillis}ms`,
    agents: {
      "agent-1": {
        address: `127.0.0.1:${at.agent}`,
        checks: [
          { service_type: "port", service_name: "agent-port", details: `127.0.0.1:${at.agent}` },
          { service_type: "sysmon", service_name: "sysmon", details: "" }
        ]
      }
    }
  })
  const program = (name: "agent" | "core" | "poller") =>
    Program.start([name, "--config", file(name), "--http", `127.0.0.1:${http[name]}`], {
      env: { DATABASE_URL: Redacted.value(url) }
    })
  const services = get(`127.0.0.1:${http.core}`, "/api/services").pipe(
    Effect.flatMap(({ body }) => Schema.decodeUnknownEffect(Services)(body)),
    Effect.map((decoded) => decoded.services),
    Effect.catchDefect(() => Effect.succeed([]))
  )
  const metrics = Effect.map(get(`127.0.0.1:${http.poller}`, "/metrics"), ({ body }) => String(body))
  const sql = yield* PgClient.make({ url, maxConnections: 1 })
  return { program, services, metrics, sql }
})

type SetUp = Effect.Success<typeof setUp>

/** Waits until core shows `sysmon` with this availability, and answers how long it took. */
const shows = (available: boolean, services: SetUp["services"], programs: ReadonlyArray<Program.Program>) =>
  Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    yield* Program.eventually(
      `sysmon is ${available ? "up" : "down"}`,
      Effect.map(services, (all) =>
        all.some((one) => one.serviceName === "sysmon" && one.available === available)
          ? Option.some(true)
          : Option.none<boolean>()),
      { within: "20 seconds", programs }
    )
    return (yield* Clock.currentTimeMillis) - startedAt
  })

const Sysmon = Schema.fromJsonString(Schema.Struct({ status: Schema.Struct({ timestamp: Schema.String }) }))

/** When the stored sysmon statuses were measured, in the order of their reports. */
const measuredMillis = (sql: SetUp["sql"]) =>
  sql<{ readonly message: string }>`
    select message from service_status_history
    where service_name = 'sysmon' and available order by reported_at, received_at, message::jsonb #>> '{status,timestamp}'`
    .pipe(
      Effect.flatMap(Effect.forEach(({ message }) => Schema.decodeUnknownEffect(Sysmon)(message))),
      Effect.map((all) => all.map(({ status }) => Date.parse(status.timestamp)))
    )

const hasStored = (count: number, sql: SetUp["sql"], programs: ReadonlyArray<Program.Program>) =>
  Program.eventually(
    `${count} statuses stored`,
    Effect.map(measuredMillis(sql), (stored) => stored.length >= count ? Option.some(stored) : Option.none()),
    { within: "30 seconds", programs }
  )

const surroundings = Layer.merge(TestDatabase.layer, Reactivity.layer)

/** What else the machine does only adds to a time. */
const bestOfThree = { retry: 2, timeout: 120_000 }

describe("Agent, poller and core as processes of their own", () => {
  it.live("report the agent down, and up again within 5 s of its return", () =>
    Effect.gen(function*() {
      const { program, services } = yield* setUp
      const core = yield* program("core")
      const agent = yield* program("agent")
      const poller = yield* program("poller")
      yield* shows(true, services, [core, agent, poller])

      yield* agent.kill("SIGKILL")
      yield* shows(false, services, [core, poller])
      const returned = yield* program("agent")
      yield* Program.eventually(
        "agent listens",
        Effect.sync(() => returned.output().includes("serves gRPC") ? Option.some(true) : Option.none<boolean>()),
        { within: "10 seconds", programs: [returned] }
      )
      const millis = yield* shows(true, services, [core, returned, poller])

      assert.isBelow(millis, recoveryMaxMillis)
      assert.isTrue(core.isRunning())
      assert.isTrue(poller.isRunning())
    }).pipe(Effect.provide(surroundings)), bestOfThree)

  it.live("lose no report while core is away, and keep their order", () =>
    Effect.gen(function*() {
      const { metrics, program, services, sql } = yield* setUp
      const first = yield* program("core")
      const agent = yield* program("agent")
      const poller = yield* program("poller")
      yield* shows(true, services, [first, agent, poller])
      const before = yield* measuredMillis(sql)

      yield* first.kill("SIGKILL")
      yield* first.exited
      yield* Program.eventually(
        "statuses wait in the poller",
        Effect.map(metrics, (text) => {
          const waiting = /^report_buffer_size (\d+)/m.exec(text)?.[1]
          return Number(waiting ?? 0) >= 8 ? Option.some(true) : Option.none<boolean>()
        }),
        { within: "30 seconds", programs: [poller] }
      )
      const second = yield* program("core")
      yield* Program.eventually(
        "core listens",
        Effect.sync(() => second.output().includes("takes reports") ? Option.some(true) : Option.none<boolean>()),
        { within: "10 seconds", programs: [second] }
      )
      const listensAt = yield* Clock.currentTimeMillis
      const arrived = yield* hasStored(before.length + 1, sql, [second, poller])
      const millis = (yield* Clock.currentTimeMillis) - listensAt
      const all = yield* hasStored(arrived.length + 6, sql, [second, poller])

      assert.isBelow(millis, recoveryMaxMillis)
      const gaps = all.slice(1).map((millis, index) => millis - (all[index] ?? millis))
      // Polls keep to a grid of one second: one that was lost would leave a gap of two.
      assert.isBelow(Math.max(...gaps), 1.7 * pollIntervalMillis, gaps.join(" "))
      assert.isAbove(Math.min(...gaps), 0, gaps.join(" "))
      assert.notMatch(yield* metrics, /^report_buffer_dropped_total(\{[^}]*\})? [1-9]/m)
      assert.isTrue(agent.isRunning())
    }).pipe(Effect.provide(surroundings)), bestOfThree)
})
