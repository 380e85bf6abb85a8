/** The Go writer's own file on its own database: nothing else is needed to go on where it stopped. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Effect, Layer, Option, Schedule, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import * as EventWriterConfig from "../../../src/domain/events/settings/EventWriterConfig.ts"
import * as EventWriterSettings from "../../../src/domain/events/settings/EventWriterSettings.ts"
import * as FreePort from "../../../src/layers/process/endpoint/FreePort.ts"
import * as EventWriterProgram from "../../../src/programs/event-writer/EventWriterProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import { natsConnection } from "../../support/eventWriter.ts"
import { get } from "../../support/http.ts"
import * as NatsServer from "../../support/natsServer.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const fixtures = path.resolve(import.meta.dirname, "../../fixtures/tables")

/** The list of v1.0.76, with what is in every shipped file and read by nobody. */
const goFile = (port: number, natsUrl: string) => ({
  listen_addr: `127.0.0.1:${port}`,
  nats_url: natsUrl,
  partition: "docker",
  stream_name: "events",
  consumer_name: "db-event-writer",
  agent_id: "docker-db-event-writer",
  poller_id: "docker-poller",
  streams: [
    { subject: "events.poller.health", table: "events" },
    { subject: "events.syslog.processed", table: "events" },
    { subject: "events.snmp.processed", table: "events" },
    { subject: "events.otel.logs", table: "logs" },
    { subject: "events.otel.traces", table: "otel_traces" },
    { subject: "events.otel.metrics", table: "otel_metrics" },
    { subject: "events.otel.metrics.raw", table: "otel_metrics" },
    { subject: "falco.>", table: "events" }
  ],
  cnpg: { host: "cnpg", port: 5432, database: "serviceradar", username: "serviceradar", password: "x" }
})

const gelf = (id: string, seconds: number) =>
  JSON.stringify({
    specversion: "1.0",
    id,
    source: "nats://events/events.syslog",
    type: "cef_severity",
    data: { version: "1.1", host: "r1", short_message: id, timestamp: seconds, level: 6, severity: "Very High" }
  })

const listening = (port: number) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<net.Server>((done) => {
        const server = net.createServer().listen(port, "127.0.0.1", () => done(server))
      })
    ),
    (server) => Effect.promise(() => new Promise<void>((done) => void server.close(() => done())))
  )

describe("A file and a database of v1.0.76", () => {
  it.live(
    "are gone on with behind the Go writer's durable, in its tables, with what is listed, on another port (start-after-and-schema.json)",
    () =>
      Effect.gen(function*() {
        const { url } = yield* TestDatabase
        const server = yield* NatsServer.start()
        const [http, grpc] = [yield* FreePort.next("127.0.0.1", 0), yield* FreePort.next("127.0.0.1", 0)]
        const sql = yield* Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer)
        for (const file of ["v1.0.76-events.sql", "v1.0.76.sql"]) {
          const text = yield* Effect.promise(() => fs.readFile(path.join(fixtures, file), "utf8"))
          for (const statement of text.split(/;\s*\n/).filter((one) => one.trim() !== "")) yield* sql.unsafe(statement)
        }
        const connection = yield* natsConnection(server.url)
        const publish = (subject: string, data: string) =>
          Effect.promise(() => jetstream(connection).publish(subject, data))
        const manager = yield* Effect.promise(() => jetstreamManager(connection))
        yield* Effect.promise(() => manager.streams.add({ name: "events", subjects: ["events.>", "falco.>"] }))
        yield* publish("events.syslog.processed", gelf("stored by the Go writer", 1_795_903_350.5))
        yield* Effect.promise(async () => {
          await manager.consumers.add("events", { durable_name: "db-event-writer", ack_policy: AckPolicy.Explicit })
          const go = await jetstream(connection).consumers.get("events", "db-event-writer")
          await (await go.next())?.ackAck()
        })
        yield* publish("events.syslog.processed", gelf("new", 1_795_903_351.5))
        yield* publish("events.otel.logs.processed", JSON.stringify({ body: "not listed" }))
        yield* publish("falco.alert", JSON.stringify({ body: "of somebody else" }))
        // The Go writer is still there.
        yield* listening(grpc)
        const file = yield* Schema.decodeUnknownEffect(EventWriterConfig.EventWriterConfigFile)(
          goFile(grpc, server.url)
        )
        const settings = EventWriterSettings.resolve([{ databaseUrl: url }, EventWriterConfig.toOptions(file)])
        yield* Effect.forkScoped(EventWriterProgram.run(settings, Option.some({ host: "127.0.0.1", port: http })))

        const found = yield* sql`select id, severity, version from public.events where id <> 'before'`.pipe(
          Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("20 seconds")
        )
        yield* get(`127.0.0.1:${http}`, "/health/ready").pipe(
          Effect.repeat({ until: ({ status }) => status === 200, schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("20 seconds")
        )

        assert.deepStrictEqual(found, [{ id: "new", severity: "Very High", version: "1.1" }])
        const elsewhere = yield* sql`select 1 from information_schema.schemata where schema_name = 'platform'`
        assert.lengthOf(elsewhere, 0)
        const [logs] = yield* sql`select count(*)::int as rows from public.logs where body = 'not listed'`
        assert.strictEqual(logs?.["rows"], 0)
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.mergeAll(SupervisionTree.layer, NodeFileSystem.layer, TestDatabase.layer))
      ),
    60_000
  )

  it("pass the check as they are shipped, with roles that nobody reads", () => {
    const tls = { cert_file: "/c/w.pem", key_file: "/c/w-key.pem", ca_file: "/c/root.pem", skip_verify: false }
    const shipped = {
      ...goFile(50_041, "tls://nats:4222"),
      gateway_id: "docker-gateway",
      nats_creds_file: "/etc/serviceradar/creds/platform.creds",
      nats_security: { mode: "mtls", cert_dir: "/c", server_name: "nats", role: "client", tls },
      security: { mode: "mtls", cert_dir: "/c", server_name: "db-event-writer.serviceradar", role: "core", tls },
      cnpg: {
        host: "cnpg",
        port: 5432,
        database: "serviceradar",
        username: "serviceradar",
        password: "",
        ssl_mode: "verify-full",
        max_connections: 8,
        min_connections: 0,
        tls: { ca_file: "/c/root.pem" }
      }
    }

    const file = Schema.decodeUnknownSync(EventWriterConfig.EventWriterConfigFile)(shipped)

    assert.isTrue(
      EventWriterConfig.warnings(file).some((line) => line.startsWith("falco.> is processed by nothing here"))
    )
  })
})
