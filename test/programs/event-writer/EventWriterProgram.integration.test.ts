import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Layer, Option, Redacted, Schedule, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as CoreConfig from "../../../src/domain/core/CoreConfig.ts"
import { WriterReport } from "../../../src/domain/events/reporting/WriterReport.ts"
import * as EventWriterSettings from "../../../src/domain/events/settings/EventWriterSettings.ts"
import { type StreamName, streamNames } from "../../../src/domain/events/stream/Streams.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import type { BindError } from "../../../src/layers/grpc/GrpcServer.ts"
import type { PasswordFileError } from "../../../src/layers/postgres/connection/PasswordFile.ts"
import type { DatabaseSchemaError } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as FreePort from "../../../src/layers/process/endpoint/FreePort.ts"
import type { CredentialsError } from "../../../src/layers/security/GrpcCredentials.ts"
import type { SecurityError } from "../../../src/layers/security/SecurityLayer.ts"
import * as CoreWithEventWriter from "../../../src/programs/cli/CoreWithEventWriter.ts"
import * as EventWriterProgram from "../../../src/programs/event-writer/EventWriterProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import type { SupervisorShutdown } from "../../../src/services/supervision/SupervisorError.ts"
import { natsConnection, publish } from "../../support/eventWriter.ts"
import { get } from "../../support/http.ts"
import { markedEvent } from "../../support/markedEvents.ts"
import * as NatsServer from "../../support/natsServer.ts"
import { secured } from "../../support/secured.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const answer = (address: string, at: string) =>
  Effect.catchDefect(get(address, at), () => Effect.succeed({ status: 0, body: "" }))

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  effect.pipe(
    Effect.repeat({ until: holds, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("15 seconds")
  )

const ready = (address: string) => until(answer(address, "/health/ready"), ({ status }) => status === 200)

const decodeReport = Schema.decodeUnknownEffect(WriterReport)

/** Marks without poison, of all seven streams. */
const marks = Array.from({ length: 70 }, (_, at) => 2 * at + 1)

const countOf = (stream: StreamName): number => marks.filter((mark) => markedEvent(mark).stream === stream).length

const publishAll = (url: string) =>
  Effect.flatMap(
    natsConnection(url),
    (connection) => Effect.promise(() => Promise.all(marks.map((mark) => publish(connection, mark))))
  )

const start = Effect.fnUntraced(function*(own: EventWriterSettings.EventWriterOptions = {}) {
  const { url } = yield* TestDatabase
  const server = yield* NatsServer.start()
  const http = yield* FreePort.next("127.0.0.1", 0)
  const grpc = yield* FreePort.next("127.0.0.1", 0)
  const settings = EventWriterSettings.resolve([{
    natsUrl: Redacted.make(server.url),
    databaseUrl: url,
    createStreams: true,
    tenantDefault: "acme",
    grpc: { host: "127.0.0.1", port: grpc },
    ...own
  }])
  return { settings, server, url, http: `127.0.0.1:${http}`, grpc: `127.0.0.1:${grpc}`, httpPort: http }
})

/** Asked again and again, so it keeps no connection. */
const stored = (url: Redacted.Redacted) =>
  Effect.flatMap(
    Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer),
    (sql) =>
      sql<{ readonly rows: number; readonly tenants: number }>`
      select count(*)::int as rows, count(distinct tenant_id)::int as tenants from platform.logs`
  ).pipe(Effect.scoped)

const live = Layer.mergeAll(SupervisionTree.layer, secured, TestDatabase.layer)

describe("EventWriterProgram", () => {
  it.live("stores what is published and tells of it by HTTP and gRPC", () =>
    Effect.gen(function*() {
      const { grpc, http, httpPort, server, settings, url } = yield* start()
      yield* Effect.forkScoped(
        EventWriterProgram.run(settings, Option.some({ host: "127.0.0.1", port: httpPort }))
      )
      yield* ready(http)

      yield* publishAll(server.url)
      const report = yield* until(
        Effect.flatMap(answer(http, "/api/event-writer"), ({ body }) => decodeReport(body)),
        ({ streams }) => streams.reduce((sum, one) => sum + one.stored, 0) >= marks.length
      )
      const rows = yield* stored(url)
      const tree = yield* answer(http, "/api/tree")
      const metrics = yield* answer(http, "/metrics")
      const refused = yield* answer(http, "/api/event-writer?stream=LOGS")
      const agent = yield* GrpcClient.make(AgentServiceService, { target: grpc })
      const status = yield* agent.getStatus({
        serviceName: "db-event-writer",
        serviceType: "grpc",
        details: "",
        port: 0,
        agentId: "agent-1",
        pollerId: "poller-1"
      })
      const told = yield* decodeReport(JSON.parse(status.message.toString()))
      const results = yield* agent.getResults({
        serviceName: "db-event-writer",
        serviceType: "service-instance",
        agentId: "agent-1",
        pollerId: "poller-1",
        details: "",
        lastSequence: "",
        completionStatus: undefined
      })
      const health = GrpcHealth.client(yield* GrpcChannel.make({ target: grpc }))
      const serving = yield* Effect.forEach(["", "db-event-writer"], (name) => health.check(name))

      assert.deepInclude(report, { status: "operational", nats: { available: true, reason: "" } })
      assert.deepStrictEqual(report.streams.map(({ stream }) => stream), [...streamNames])
      assert.isTrue(report.streams.every((one) => one.stored === countOf(one.stream)))
      assert.isTrue(report.streams.every((one) => one.deadLettered === 0 && one.problem === ""))
      assert.deepStrictEqual(rows, [{ rows: countOf("LOGS"), tenants: 1 }])
      assert.deepInclude(status, {
        available: true,
        agentId: "db-event-writer-monitor",
        serviceName: "db-event-writer",
        serviceType: "service-instance"
      })
      assert.strictEqual(told.status, "operational")
      assert.deepInclude(results, {
        available: false,
        serviceName: "db-event-writer",
        serviceType: "service-instance",
        agentId: "db-event-writer-monitor",
        pollerId: "poller-1",
        hasNewData: false
      })
      assert.include(results.data.toString(), "not supported")
      // Seconds of the time of day, as the Go writer's.
      assert.approximately(Number(results.timestamp), Date.now() / 1000, 60)
      assert.deepStrictEqual(serving, ["SERVING", "SERVING"])
      assert.nestedPropertyVal(tree.body, "tree[0].id", "EventWriter")
      assert.include(String(metrics.body), "event_writer_messages_total")
      assert.strictEqual(refused.status, 400)
    }).pipe(Effect.scoped, Effect.provide(live)), 40_000)

  it.live("runs inside core, with core's database and HTTP", () =>
    Effect.gen(function*() {
      const { http, httpPort, server, settings, url } = yield* start({ grpc: undefined })
      const grpcPort = yield* FreePort.next("127.0.0.1", 0)
      const core = {
        ...CoreConfig.fromFile({}),
        databaseUrl: Option.some(url),
        grpc: { host: "127.0.0.1", port: grpcPort },
        http: Option.some({ host: "127.0.0.1", port: httpPort })
      }
      yield* Effect.forkScoped(CoreWithEventWriter.run(core, settings))
      yield* ready(http)

      yield* publishAll(server.url)
      yield* until(stored(url), ([row]) => row?.rows === countOf("LOGS"))
      const readiness = yield* answer(http, "/health/ready")
      const services = yield* answer(http, "/api/services")
      const report = yield* Effect.flatMap(answer(http, "/api/event-writer"), ({ body }) => decodeReport(body))
      const [root] = yield* SupervisionTree.use((tree) => tree.snapshot)

      assert.deepStrictEqual(root?.children.map(({ id }) => id), [
        "SecurityManager",
        "SecurityMonitor",
        "Database",
        "Retention",
        "GrpcServer",
        "DeviceDiscovery",
        "PollerWatch",
        "Webhooks",
        "Accounts",
        "EventWriter",
        "Settings",
        "ManagementServer"
      ])
      assert.strictEqual(services.status, 200)
      assert.strictEqual(report.status, "operational")
      assert.deepStrictEqual(readiness.body, {
        status: "ready",
        checks: [
          "supervision tree",
          "database",
          "event database",
          "event tables",
          "nats",
          "event streams",
          "event storing",
          "event lag"
        ]
          .map((name) => ({ name, ready: true }))
      })
    }).pipe(Effect.scoped, Effect.provide(live)), 40_000)

  it.live("is live but not ready without NATS and database, and says what is missing", () =>
    Effect.gen(function*() {
      const { grpc, http, httpPort, server, settings } = yield* start({
        databaseUrl: Redacted.make(`postgresql://nobody@127.0.0.1:${yield* FreePort.next("127.0.0.1", 0)}/none`)
      })
      yield* server.kill("SIGKILL")
      yield* Effect.forkScoped(
        EventWriterProgram.run(settings, Option.some({ host: "127.0.0.1", port: httpPort }))
      )
      yield* until(answer(http, "/health/live"), ({ status }) => status === 200)

      const readiness = yield* until(
        answer(http, "/health/ready"),
        ({ body }) => JSON.stringify(body).includes("NATS is not available")
      )
      const agent = yield* GrpcClient.make(AgentServiceService, { target: grpc })
      const health = yield* GrpcHealth.client(yield* GrpcChannel.make({ target: grpc })).check("AgentService")
      const status = yield* agent.getStatus({
        serviceName: "",
        serviceType: "",
        details: "",
        port: 0,
        agentId: "",
        pollerId: ""
      })

      assert.strictEqual(readiness.status, 503)
      assert.include(JSON.stringify(readiness.body), "not connected yet")
      assert.include(JSON.stringify(readiness.body), `${streamNames.join(", ")}: not subscribed yet`)
      assert.strictEqual(health, "SERVING")
      assert.isFalse(status.available)
      assert.strictEqual(JSON.parse(status.message.toString()).status, "unavailable")
    }).pipe(Effect.scoped, Effect.provide(live)), 40_000)

  it.live(
    "is ready though nobody publishes to some of the streams, unless such a stream was asked for",
    () =>
      Effect.gen(function*() {
        const { http, httpPort, server, settings, url } = yield* start({ createStreams: false })
        const connection = yield* natsConnection(server.url)
        const manager = yield* Effect.promise(() => jetstreamManager(connection))
        yield* Effect.promise(() => manager.streams.add({ name: "some", subjects: ["logs.>"] }))
        const run = (own: EventWriterSettings.EventWriterSettings, port: number) =>
          Effect.forkScoped(EventWriterProgram.run(own, Option.some({ host: "127.0.0.1", port })))
        yield* run(settings, httpPort)

        yield* ready(http)
        const report = yield* until(
          Effect.flatMap(answer(http, "/api/event-writer"), ({ body }) => decodeReport(body)),
          ({ streams }) => streams.filter(({ problem }) => problem !== "").length === 5
        )
        const stillReady = yield* answer(http, "/health/ready")
        const otherPort = yield* FreePort.next("127.0.0.1", 0)
        const asked = EventWriterSettings.resolve([{
          natsUrl: Redacted.make(server.url),
          databaseUrl: url,
          streams: { SWEEP: { enabled: true } }
        }])
        yield* run(asked, otherPort)
        const notReady = yield* until(
          answer(`127.0.0.1:${otherPort}`, "/health/ready"),
          ({ body }) => JSON.stringify(body).includes("SWEEP: no JetStream stream has its subjects")
        )

        assert.strictEqual(report.streams.find(({ stream }) => stream === "LOGS")?.problem, "")
        assert.strictEqual(stillReady.status, 200)
        assert.strictEqual(notReady.status, 503)
      }).pipe(Effect.scoped, Effect.provide(live)),
    40_000
  )

  it("names in its type whatever can end it", () => {
    type Failure = Effect.Error<ReturnType<typeof EventWriterProgram.run>>
    type Ending = Extract<Failure, { readonly _tag: "SupervisorShutdown" }> extends SupervisorShutdown<infer E> ? E
      : never
    type Nested = Extract<Ending, { readonly _tag: "SupervisorShutdown" }>

    expectTypeOf<Failure["_tag"]>().toEqualTypeOf<
      "SupervisorShutdown" | "CredentialsError" | "NatsCredentialsError" | SecurityError["_tag"]
    >()
    expectTypeOf<Exclude<Ending, Nested>>().toEqualTypeOf<
      BindError | CredentialsError | DatabaseSchemaError | PasswordFileError
    >()
  })
})
