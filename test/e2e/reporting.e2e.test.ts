/** Agent, poller and core as processes of their own that tell of themselves through a NATS, and core that stores it. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, Redacted } from "effect"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import * as TestConnection from "../support/TestConnection.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const layer = Layer.mergeAll(TestConnection.layer, NodeServices.layer)

/** The agents, checks and addresses of one of each program. */
const writeConfigs = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const [coreGrpc, coreHttp, agentGrpc] = [yield* Program.freePort, yield* Program.freePort, yield* Program.freePort]
  const documents = {
    core: { listen_addr: `127.0.0.1:${coreHttp}`, grpc_addr: `127.0.0.1:${coreGrpc}` },
    agent: { agent_id: "agent-1", listen_addr: `127.0.0.1:${agentGrpc}`, host_ip: "127.0.0.1" },
    poller: {
      poller_id: "poller-1",
      partition: "site-a",
      source_ip: "127.0.0.1",
      core_address: `127.0.0.1:${coreGrpc}`,
      poll_interval: "1s",
      agents: {
        "agent-1": {
          address: `127.0.0.1:${agentGrpc}`,
          checks: [{ service_type: "port", service_name: "core", details: `127.0.0.1:${coreGrpc}` }]
        }
      }
    }
  }
  for (const [name, document] of Object.entries(documents)) {
    yield* files.writeFileString(`${folder}/${name}.json`, JSON.stringify(document))
  }
})

describe("programs that report", () => {
  it.live("tell what they measure, learn and log, and share their traces", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const folder = yield* temporaryFolder
      const server = yield* NatsServer.start()
      yield* writeConfigs(folder)
      const reporting = { NATS_URL: server.url, EVENT_WRITER_ENABLED: "", DATABASE_URL: "" }
      const start = (name: string, env: Readonly<Record<string, string>> = {}) =>
        Program.start([name, "--config", `${folder}/${name}.json`, ...(name === "core" ? [] : ["--http", "off"])], {
          env: { ...reporting, ...env }
        })
      const core = yield* start("core", {
        DATABASE_URL: Redacted.value(url),
        EVENT_WRITER_ENABLED: "true",
        EVENT_WRITER_CREATE_STREAMS: "true",
        EVENT_WRITER_TENANT: "default"
      })
      const agent = yield* start("agent")
      const poller = yield* start("poller")
      const programs = [core, agent, poller]

      const arrives = (table: string, condition: string) =>
        Program.eventually(
          `a row of ${table} where ${condition}`,
          Effect.gen(function*() {
            const sql = yield* (yield* PgConnection).client
            const [row] = yield* sql.unsafe<{ count: number }>(
              `select count(*)::int as count from platform.${table} where ${condition}`
            )
            return row !== undefined && row.count > 0 ? Option.some(row.count) : Option.none()
          }).pipe(Effect.provide(context)),
          { within: "30 seconds", programs }
        )
      const context = yield* Effect.context<PgConnection>()

      yield* arrives(
        "timeseries_metrics",
        "gateway_id = 'poller-1' and metric_name = 'service_available' and value = 1"
      )
      yield* arrives("ocsf_events", "message = 'Poller poller-1 state changed from unknown to healthy'")
      yield* arrives("ocsf_events", "message like 'core (port) of agent-1 is%up%'")
      yield* arrives("sweep_host_states", "poller_id = 'poller-1' and icmp_available is null")
      yield* arrives("otel_metrics", "service_name = 'serviceradar-agent'")
      yield* arrives("otel_metrics", "service_name = 'serviceradar-poller'")
      yield* arrives(
        "otel_traces",
        "service_name = 'serviceradar-agent' and trace_id in " +
          "(select trace_id from platform.otel_traces where service_name = 'serviceradar-poller')"
      )
      yield* agent.kill("SIGKILL")
      yield* arrives("logs", "service_name = 'serviceradar-poller' and severity_text = 'WARN'")
      yield* arrives("ocsf_events", "message like 'core (port) of agent-1 is down%' and severity = 'High'")

      yield* poller.kill("SIGTERM")
      assert.strictEqual(yield* poller.exited, 0)
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
