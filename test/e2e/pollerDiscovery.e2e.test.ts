/** Agents that are in no file of the poller: one registers by itself, others are found by a list, by DNS and over NATS. */
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Option, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as DnsServer from "../fixtures/DnsServer.ts"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const Told = Schema.fromJsonString(
  Schema.Struct({ data: Schema.Struct({ state: Schema.String, source: Schema.String, version: Schema.String }) })
)

const srv = "_serviceradar-agent._tcp.example.org"

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1))

describe("Agents that come by themselves", () => {
  it.live("are polled, told to core, and let go when they leave or fall silent", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = (name: string) => path.join(folder, name)
      const writeJson = (name: string, value: unknown) =>
        Effect.promise(() => fs.writeFile(file(name), JSON.stringify(value)))
      const received: Array<FakeCore.Received> = []
      const core = yield* FakeCore.serve({ received, takesParts: true })
      const nats = yield* NatsServer.start()
      const ports = { poller: yield* Program.freePort, agent: yield* Program.freePort }
      const found = yield* Effect.all({ dns: FakeAgent.serve(), nats: FakeAgent.serve(), listed: FakeAgent.serve() })
      const zone: { records: ReadonlyArray<DnsServer.SrvRecord> } = {
        records: [{ target: "localhost", port: portOf(found.dns) }]
      }
      yield* writeJson("poller.json", {
        poller_id: "poller-1",
        source_ip: "127.0.0.1",
        core_address: core.address,
        poll_interval: "1s",
        listen_addr: `127.0.0.1:${ports.poller}`,
        agents: {},
        discovery: {
          registration: { lease: "3s" },
          static: [{ address: found.listed, agent_id: "listed" }],
          dns_srv: { name: srv, interval: "1s", servers: [yield* DnsServer.serve(srv, zone)] },
          nats: { subject: "serviceradar.agents", lease: "1m" },
          checks: [{ service_type: "port", service_name: "common", details: `127.0.0.1:${ports.poller}` }]
        }
      })
      yield* writeJson("agent.json", {
        agent_id: "edge-9",
        listen_addr: `127.0.0.1:${ports.agent}`,
        registration: {
          poller_address: `127.0.0.1:${ports.poller}`,
          checks: [{ service_type: "port", service_name: "own", details: `127.0.0.1:${ports.agent}` }]
        }
      })
      const poller = yield* Program.start(["poller", "--config", file("poller.json"), "--http", "off"], {
        env: { NATS_URL: nats.url }
      })
      const startAgent = Program.start(["agent", "--config", file("agent.json"), "--http", "off"], {
        env: { NATS_URL: "" }
      })

      const statuses = () => received.flatMap(({ services }) => services)
      const seen = (what: string, is: () => boolean, programs: ReadonlyArray<Program.Program>) =>
        Program.eventually(what, Effect.sync(() => is() ? Option.some(true) : Option.none()), {
          within: "90 seconds",
          programs
        })
      const measured = (agentId: string, name: string) =>
        statuses().some((one) => one.agentId === agentId && one.serviceName === name && one.available)
      /** What core was told of its coming and going, in order. */
      const told = (agentId: string) =>
        statuses()
          .filter((one) => one.agentId === agentId && one.serviceName === "registration")
          .map((one) => Schema.decodeUnknownSync(Told)(one.message.toString()).data.state)

      const first = yield* startAgent
      yield* seen(
        "the agent that registered, polled",
        () => measured("edge-9", "own") && measured("edge-9", "common"),
        [poller, first]
      )
      yield* seen(
        "those that were found, polled",
        () => measured("listed", "common") && measured("localhost", "common"),
        [poller]
      )
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: nats.url })),
        (open) => Effect.promise(() => open.close())
      )
      const announce = (more: object) =>
        Effect.sync(() =>
          connection.publish(
            "serviceradar.agents",
            JSON.stringify({ agent_id: "announced", address: found.nats, version: "7", ...more })
          )
        )
      connection.publish("serviceradar.agents", "no announcement at all")
      yield* Program.eventually(
        "the agent that announced itself, polled",
        Effect.map(announce({}), () => measured("announced", "common") ? Option.some(true) : Option.none()),
        { within: "90 seconds", programs: [poller] }
      )

      yield* first.kill("SIGTERM")
      yield* first.exited
      yield* seen("the agent has left", () => told("edge-9").at(-1) === "left", [poller])
      const second = yield* startAgent
      yield* seen("the agent is there again", () => told("edge-9").at(-1) === "registered", [poller, second])
      yield* second.kill("SIGKILL")
      yield* second.exited
      yield* seen("the agent is lost", () => told("edge-9").at(-1) === "lost", [poller])
      zone.records = []
      yield* seen("the agent of the records has left", () => told("localhost").at(-1) === "left", [poller])
      yield* announce({ leaving: true })
      yield* seen("the agent that announced itself has left", () => told("announced").at(-1) === "left", [poller])

      assert.deepStrictEqual(told("edge-9"), ["registered", "left", "registered", "lost"])
      assert.deepStrictEqual(told("listed"), ["registered"])
      // Nobody asks for them any more, and the one that stayed is still asked for.
      const before = statuses().length
      yield* seen("more statuses", () => statuses().length > before + 3, [poller])
      assert.deepStrictEqual(new Set(statuses().slice(before).map(({ agentId }) => agentId)), new Set(["listed"]))
      assert.include(poller.output(), "agent edge-9")
    }).pipe(Effect.scoped), 300_000)
})
