/** Events in `serviceradar up`, as a user sees them: rows in its PostgreSQL seconds after the start. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, FileSystem, Option, Redacted, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import type * as tls from "node:tls"
import { inject } from "vitest"
import { TreeNode } from "../../src/domain/supervision/TreeNode.ts"
import * as ProcessTable from "../../src/layers/process/ProcessTable.ts"
import * as Program from "../support/Program.ts"

const RunState = Schema.fromJsonString(Schema.Struct({ httpUrl: Schema.String }))

/** A new folder that PostgreSQL's own user may enter. */
const folder = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-up-events-" })
  yield* files.chmod(directory, 0o755)
  return `${directory}/data`
})

const environment = { NATS_URL: "", EVENT_WRITER_ENABLED: "", NATS_SERVER_BIN: inject("natsServerPath") }

const within = "60 seconds"

interface Up {
  readonly program: Program.Program
  readonly directory: string
  readonly httpUrl: string
}

const start = Effect.fnUntraced(function*(
  env: Readonly<Record<string, string>> = environment,
  more: ReadonlyArray<string> = []
) {
  const files = yield* FileSystem.FileSystem
  const directory = yield* folder
  const program = yield* Program.start(["up", "--json", "--dir", directory, ...more], { env })
  const shown = Program.eventually(
    "the first statuses",
    Effect.sync(() => program.stdout().includes("core-grpc") ? Option.some(true) : Option.none()),
    { within, programs: [program] }
  )
  const ended = Effect.flatMap(program.exited, (code) => Effect.die(`ended with ${code}: ${program.output()}`))
  yield* Effect.raceFirst(shown, ended)
  const state = yield* Effect.flatMap(
    files.readFileString(`${directory}/run.json`),
    Schema.decodeUnknownEffect(RunState)
  )
  return { program, directory, httpUrl: state.httpUrl } satisfies Up
})

/** As the README tells how to ask the database. */
const database = Effect.fnUntraced(function*({ directory }: Up, ssl?: tls.ConnectionOptions) {
  const files = yield* FileSystem.FileSystem
  const password = yield* files.readFileString(`${directory}/postgres/password`)
  const port = Number(yield* files.readFileString(`${directory}/postgres/port`))
  return yield* PgClient.make({
    host: "127.0.0.1",
    port,
    database: "serviceradar",
    username: "serviceradar",
    password: Redacted.make(password.trim()),
    maxConnections: 1,
    ...(ssl === undefined ? {} : { ssl })
  }).pipe(Effect.provide(Reactivity.layer))
})

const countOf = (sql: PgClient.PgClient, table: string, condition = "true") =>
  Effect.map(
    sql.unsafe<{ count: number }>(`select count(*)::int as count from platform.${table} where ${condition}`),
    ([row]) => row?.count ?? 0
  )

/** Waits until the table has a row for which the condition holds. */
const arrives = (up: Up, sql: PgClient.PgClient, table: string, condition: string) =>
  Program.eventually(
    `a row of ${table} where ${condition}`,
    Effect.map(countOf(sql, table, condition), (count) => count > 0 ? Option.some(count) : Option.none()),
    { within, programs: [up.program] }
  )

const Tree = Schema.Struct({ tree: Schema.Array(TreeNode) })

/** The parts of `up` by their ids. */
const parts = ({ httpUrl }: Up) =>
  Program.fetchJson(`${httpUrl}/api/tree`).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Tree)),
    Effect.map(({ tree }) => new Map(tree.flatMap((root) => root.children).map((child) => [child.id, child])))
  )

describe("events in serviceradar up", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect(
      "needs a certificate for PostgreSQL and NATS with --mtls, and has one everywhere",
      () =>
        Effect.gen(function*() {
          const up = yield* start(environment, ["--mtls"])
          const of = (name: string) => Effect.promise(() => fs.readFile(`${up.directory}/certs/${name}.pem`, "utf8"))
          const ssl = { cert: yield* of("core"), key: yield* of("core-key"), ca: yield* of("root") }
          const refused = yield* Effect.exit(Effect.flatMap(database(up), (plain) => plain`select 1`))
          const sql = yield* database(up, ssl)

          const [answer] = yield* sql<{ readonly one: number }>`select 1 as one`
          yield* Program.eventually(
            "a connection to NATS",
            Effect.sync(() => up.program.output().includes("Connected to NATS") ? Option.some(true) : Option.none()),
            { within, programs: [up.program] }
          )

          assert.deepStrictEqual([refused._tag, answer], ["Failure", { one: 1 }])
          assert.notInclude(up.program.output(), "certificate_validation_failed")
        }),
      90_000
    )

    it.effect("stores what the programs tell of themselves within seconds", () =>
      Effect.gen(function*() {
        const up = yield* start()
        const sql = yield* database(up)

        yield* arrives(up, sql, "timeseries_metrics", "metric_name = 'service_response_time_seconds' and value > 0")
        yield* arrives(up, sql, "timeseries_metrics", "metric_name = 'cpu_usage_percent' and unit = '%'")
        yield* arrives(up, sql, "ocsf_events", "message = 'core-grpc (grpc) of local-agent is monitored, and up'")
        yield* arrives(up, sql, "ocsf_events", "message = 'Poller local-poller state changed from unknown to healthy'")
        yield* arrives(up, sql, "logs", "service_name = 'serviceradar-up' and source = 'internal'")
        const asked = yield* Program.start([
          "srql",
          "in:logs service:serviceradar-up limit:1",
          "--csv",
          "--dir",
          up.directory
        ])
        assert.strictEqual(yield* asked.exited, 0)
        assert.match(asked.output(), /^timestamp,.*severity_text.*\r\n\d{4}-.*serviceradar-up/m)
        yield* arrives(up, sql, "sweep_host_states", "host_ip = '127.0.0.1' and jsonb_array_length(tcp_ports_open) > 0")
        yield* arrives(up, sql, "otel_traces", "name = 'CheckScheduler.poll' and parent_span_id = ''")
        yield* arrives(
          up,
          sql,
          "event_writer_trace_summaries",
          "root_span_name = 'CheckScheduler.poll' and span_count > 1"
        )
        yield* arrives(up, sql, "otel_metrics", "span_name = 'polls_total' and duration_ms > 0")

        const report = JSON.stringify(yield* Program.fetchJson(`${up.httpUrl}/api/event-writer`))
        assert.match(report, /"stream":"TELEMETRY","received":[1-9]/)
        const ready = yield* Program.fetchJson(`${up.httpUrl}/health/ready`)
        assert.nestedPropertyVal(ready, "status", "ready")
      }).pipe(Effect.scoped))

    it.effect("restarts nothing but NATS when it is killed, and goes on storing", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const up = yield* start()
        const sql = yield* database(up)
        yield* arrives(up, sql, "timeseries_metrics", "true")
        const pid = Number(yield* files.readFileString(`${up.directory}/nats/nats-server.pid`))
        const before = yield* countOf(sql, "timeseries_metrics")

        yield* Effect.sync(() => process.kill(pid, "SIGKILL"))
        const killedAt = yield* Clock.currentTimeMillis
        yield* Program.eventually(
          "more rows",
          Effect.map(
            countOf(sql, "timeseries_metrics", `timestamp > to_timestamp(${killedAt / 1_000})`),
            (count) => count > 0 ? Option.some(count) : Option.none()
          ),
          { within: "40 seconds", programs: [up.program] }
        )

        const restarts = [...(yield* parts(up))].map(([id, part]) => [id, part.restartsTotal])
        assert.deepStrictEqual(restarts, [
          ["Core", 0],
          ["Agent", 0],
          ["Poller", 0],
          ["NATS", 1],
          ["EventWriter", 0],
          ["Settings", 0],
          ["Telemetry", 0]
        ])
        assert.isAtLeast(yield* countOf(sql, "timeseries_metrics"), before + 1)

        const server = Number(yield* files.readFileString(`${up.directory}/nats/nats-server.pid`))
        yield* up.program.kill("SIGINT")
        assert.strictEqual(yield* Effect.timeout(up.program.exited, "30 seconds"), 0)
        assert.isTrue(Option.isNone(yield* ProcessTable.startTicks(server)))
      }).pipe(Effect.scoped))

    it.effect("goes on without events where no nats-server can be had, and says how to get one", () =>
      Effect.gen(function*() {
        const up = yield* start({ ...environment, NATS_SERVER_BIN: "/nonexistent/nats-server" })

        const said = yield* Program.eventually(
          "how to get a nats-server",
          Effect.sync(() =>
            Option.fromNullishOr(/No nats-server: events are not stored.*Tried.*nonexistent/.exec(up.program.output()))
          ),
          { within, programs: [up.program] }
        )
        const after = yield* parts(up)
        const ready = yield* Program.fetchJson(`${up.httpUrl}/health/ready`)

        assert.match(said[0], /Install it .* set NATS_URL .*Tried NATS_SERVER_BIN=\/nonexistent/)
        assert.deepStrictEqual(
          [...after].map(([id, part]) => [id, part.state]),
          [
            ["Core", "running"],
            ["Agent", "running"],
            ["Poller", "running"],
            ["NATS", "stopped"],
            ["EventWriter", "stopped"],
            ["Settings", "running"],
            ["Telemetry", "running"]
          ]
        )
        assert.nestedPropertyVal(ready, "status", "ready")
      }).pipe(Effect.scoped))

    it.effect("uses no events at all for --once", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const directory = yield* folder
        const program = yield* Program.start(["up", "--once", "--json", "--dir", directory], { env: environment })
        const code = yield* Effect.timeout(program.exited, within)

        assert.oneOf(code, [0, 1])
        assert.isFalse(yield* files.exists(`${directory}/nats`))
      }).pipe(Effect.scoped))
  })
})
