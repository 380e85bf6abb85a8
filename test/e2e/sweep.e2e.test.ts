/** Sweeps as a user sees them: from the command line, and of an agent that a poller asks and core stores. Loopback only. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, Redacted, Schema, Stream } from "effect"
import * as net from "node:net"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import * as TestConnection from "../support/TestConnection.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const layer = Layer.mergeAll(TestConnection.layer, NodeServices.layer)

const countingPort = Effect.suspend(() => {
  let count = 0
  return Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer((socket) => {
        count += 1
        socket.on("error", () => {}).destroy()
      })
      server.listen(0, "0.0.0.0", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  ).pipe(Effect.map((server) => {
    const address = server.address()
    return { port: typeof address === "object" && address !== null ? address.port : 0, connections: () => count }
  }))
})

const openPort = Effect.map(countingPort, ({ port }) => port)

const command = (...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const program = yield* Program.start(["sweep", ...args])
    const code = yield* program.exited
    return { code, stdout: program.stdout(), output: program.output() }
  })

const Swept = Schema.fromJsonString(Schema.Struct({
  complete: Schema.Boolean,
  total_hosts: Schema.Int,
  available_hosts: Schema.Int,
  closed: Schema.Int,
  hosts: Schema.Array(Schema.Struct({
    host: Schema.String,
    open_ports: Schema.Array(Schema.Struct({ port: Schema.Int, response_time_ns: Schema.Finite }))
  }))
}))

const Hosts = Schema.fromJsonString(Schema.Struct({
  total_hosts: Schema.Int,
  available_hosts: Schema.Int,
  hosts: Schema.Array(Schema.Struct({ host: Schema.String, available: Schema.Boolean }))
}))

describe("serviceradar sweep", () => {
  it.live("says which of its options names no network", () =>
    Effect.gen(function*() {
      const { code, output } = yield* command(
        "127.0.0.1",
        "--mode",
        "tcp",
        "--ports",
        "9",
        "--exclude",
        "10.0.0.0/8, 300.1.1.1"
      )

      assert.strictEqual(code, 2)
      assert.include(output, "--exclude: \"300.1.1.1\" is no network: expected one such as 192.0.2.0/24")
    }).pipe(Effect.scoped), 60_000)

  it.live("that is interrupted prints what was found by then, and does not exit as one that is done", () =>
    Effect.gen(function*() {
      const { connections, port } = yield* countingPort
      const program = yield* Program.start([
        "sweep",
        "127.3.0.0/16",
        "--mode",
        "tcp",
        "--ports",
        `${port}`,
        "--rate",
        "500",
        "--json"
      ])
      // More than a block has.
      yield* Program.eventually(
        "a thousand connections",
        Effect.sync(() => connections() > 1_000 ? Option.some(true) : Option.none()),
        { within: "40 seconds", programs: [program] }
      )
      yield* program.kill("SIGINT")
      const code = yield* program.exited
      const swept = yield* Schema.decodeEffect(Swept)(program.stdout())

      assert.strictEqual(code, 130)
      assert.isFalse(swept.complete)
      assert.isBelow(swept.total_hosts, 65_536)
      assert.match(program.output(), /Interrupted: \d+ of 6553\d hosts were swept/)
    }).pipe(Effect.provide(layer)))

  it.live("prints who answers, and exits with 0", () =>
    Effect.gen(function*() {
      const port = yield* openPort

      const { code, stdout } = yield* command("127.3.0.0/30", "--mode", "tcp", "--ports", `${port}`)

      assert.strictEqual(code, 0)
      const columns = "HOST       PING  OPEN PORTS"
      assert.match(
        stdout,
        new RegExp(
          `^${columns}\n127\\.3\\.0\\.1 +- +${port}\n127\\.3\\.0\\.2 +- +${port}\n\n2 of 2 hosts available in `
        )
      )
      assert.include(stdout, "ports: 2 open, 0 closed, 0 silent")
    }).pipe(Effect.scoped))

  it.live("prints JSON with --json, leaves out what is excluded, and exits with 1 when nobody answers", () =>
    Effect.gen(function*() {
      const port = yield* openPort
      const closed = yield* Program.freePort
      const tcp = ["--mode", "tcp", "--json", "--ports"]

      const found = yield* command("127.3.0.0/29", "::1", ...tcp, `${port}`, "--exclude", "127.3.0.0/30,127.3.0.5")
      const none = yield* command("127.3.0.1", ...tcp, `${closed}`)

      const swept = yield* Schema.decodeEffect(Swept)(found.stdout)
      assert.strictEqual(found.code, 0)
      assert.deepStrictEqual(swept.hosts.map(({ host }) => host), ["127.3.0.4", "127.3.0.6"])
      assert.strictEqual(none.code, 1)
      assert.deepInclude(yield* Schema.decodeEffect(Swept)(none.stdout), {
        total_hosts: 1,
        available_hosts: 0,
        closed: 1
      })
    }).pipe(Effect.scoped))

  it.live("exits with 2 and says what is wrong when there is nothing to sweep", () =>
    Effect.gen(function*() {
      const prefix = yield* command("2001:db8::/64")
      const ports = yield* command("127.3.0.1", "--ports", "22-x")
      const metadata = yield* command("169.254.169.254")
      const word = yield* command("banana")

      assert.deepStrictEqual([prefix.code, ports.code, metadata.code, word.code], [2, 2, 2, 2])
      assert.include(prefix.output, "2001:db8::/64 is an IPv6 prefix")
      assert.include(ports.output, "Expected ports such as 22,80,8000-8099")
      assert.include(metadata.output, "no host is left")
      assert.include(word.output, "banana is no network")
    }).pipe(Effect.scoped), 60_000)
})

const writeConfigs = Effect.fnUntraced(
  function*(folder: string, networks: ReadonlyArray<string>, ports: ReadonlyArray<number>) {
    const files = yield* FileSystem.FileSystem
    const [coreGrpc, coreHttp, agentGrpc] = [yield* Program.freePort, yield* Program.freePort, yield* Program.freePort]
    const checkers = `${folder}/checkers`
    yield* files.makeDirectory(`${checkers}/sweep`, { recursive: true })
    const documents = {
      core: { listen_addr: `127.0.0.1:${coreHttp}`, grpc_addr: `127.0.0.1:${coreGrpc}` },
      agent: {
        agent_id: "agent-1",
        listen_addr: `127.0.0.1:${agentGrpc}`,
        host_ip: "127.0.0.1",
        checkers_dir: checkers
      },
      "checkers/sweep/sweep": { networks, ports, sweep_modes: ["tcp"], interval: "2s" },
      poller: {
        poller_id: "poller-1",
        partition: "site-a",
        source_ip: "127.0.0.1",
        core_address: `127.0.0.1:${coreGrpc}`,
        poll_interval: "1s",
        agents: {
          "agent-1": {
            address: `127.0.0.1:${agentGrpc}`,
            checks: [{ service_type: "sweep", service_name: "network_sweep", details: "", results_interval: "1s" }]
          }
        }
      }
    }
    for (const [name, document] of Object.entries(documents)) {
      yield* files.writeFileString(`${folder}/${name}.json`, JSON.stringify(document))
    }
    return { agentGrpc }
  }
)

const start = (folder: string, name: string, env: Readonly<Record<string, string>> = {}) =>
  Program.start([name, "--config", `${folder}/${name}.json`, ...(name === "core" ? [] : ["--http", "off"])], {
    env: { STATE_DIRECTORY: `${folder}/state`, ...env }
  })

describe("an agent that sweeps", () => {
  it.live(
    "brings its hosts through the poller to core, and has its results again after kill -9",
    () =>
      Effect.gen(function*() {
        const { url } = yield* TestDatabase
        const folder = yield* temporaryFolder
        const port = yield* openPort
        const { agentGrpc } = yield* writeConfigs(folder, ["127.3.0.0/29", "127.3.1.1/32"], [port])
        const core = yield* start(folder, "core", { DATABASE_URL: Redacted.value(url) })
        const first = yield* start(folder, "agent")
        const poller = yield* start(folder, "poller")
        const programs = [core, first, poller]

        const context = yield* Effect.context<PgConnection>()
        const stored = yield* Program.eventually(
          "core has the hosts of a sweep",
          Effect.gen(function*() {
            const sql = yield* (yield* PgConnection).client
            const rows = yield* sql.unsafe<{ message: string }>(
              "select message from service_status_history where service_type = 'sweep' order by 1"
            )
            return Option.fromNullishOr(rows.map(({ message }) => message).find((text) => text.includes("127.3.1.1")))
          }).pipe(Effect.provide(context)),
          { within: "30 seconds", programs }
        )
        const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${agentGrpc}` })
        const request = {
          serviceType: "sweep",
          serviceName: "network_sweep",
          details: "",
          agentId: "",
          pollerId: "poller-1",
          lastSequence: "",
          completionStatus: undefined
        }
        const results = yield* client.getResults(request)
        const chunks = yield* Stream.runCollect(client.streamResults(request))
        yield* first.kill("SIGKILL")
        yield* first.exited
        const second = yield* start(folder, "agent")
        const after = yield* Program.eventually(
          "the agent has its results again",
          Effect.option(client.getResults({ ...request, lastSequence: "none" })).pipe(
            Effect.map(Option.filter(({ hasNewData }) => hasNewData))
          ),
          { within: "20 seconds", programs: [second] }
        )

        const document = yield* Schema.decodeEffect(Hosts)(results.data.toString())
        assert.deepInclude(document, { total_hosts: 7, available_hosts: 7 })
        assert.deepStrictEqual(document.hosts.map(({ host }) => host).at(-1), "127.3.1.1")
        assert.strictEqual(results.sweepCompletion?.targetSequence, results.currentSequence)
        assert.deepStrictEqual([...chunks].map(({ isFinal, totalChunks }) => [isFinal, totalChunks]), [[true, 1]])
        assert.include(stored, "127.3.0.6")
        assert.isAtLeast(Number(after.currentSequence), Number(results.currentSequence))
        assert.deepInclude(yield* Schema.decodeEffect(Hosts)(after.data.toString()), { total_hosts: 7 })
      }).pipe(Effect.scoped, Effect.provide(layer)),
    120_000
  )
})
