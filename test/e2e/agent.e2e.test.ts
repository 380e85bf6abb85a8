/** `serviceradar agent` as a user starts it: a separate process with a configuration file. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, FileSystem, Option, Schema } from "effect"
import * as net from "node:net"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as Program from "../support/Program.ts"

const agent = Effect.fnUntraced(function*(port: number, args: ReadonlyArray<string> = ["--http", "off"]) {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-agent-" })
  const file = `${directory}/agent.json`
  yield* files.writeFileString(file, JSON.stringify({ agent_id: "edge-1", listen_addr: `127.0.0.1:${port}` }))
  return yield* Program.start(["agent", "--config", file, ...args])
})

const serving = (program: Program.Program, port: number) =>
  Program.eventually(
    "the agent serves",
    Effect.sync(() =>
      Option.liftPredicate(program, (one) => one.stdout().includes(`serves gRPC on 127.0.0.1:${port}`))
    ),
    { within: "20 seconds", programs: [program] }
  )

const request = (serviceType: string, serviceName: string, details: string) => ({
  serviceType,
  serviceName,
  details,
  port: 0,
  agentId: "",
  pollerId: "poller-1"
})

/** Takes the request and never answers. */
const silentWeb = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly server: net.Server; readonly asked: () => boolean }>((resume) => {
    let asked = false
    const server = net.createServer((socket) => {
      socket.on("error", () => {})
      socket.on("data", () => {
        asked = true
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ port, server, asked: () => asked }))
    })
  }),
  ({ server }) => Effect.sync(() => void server.close())
)

const nodeOf = <A, I>(below: Schema.Codec<A, I>) => Schema.Struct({ id: Schema.String, children: Schema.Array(below) })
/** The agent, its children, the checkers' supervisors, and the checkers. */
const Tree = Schema.Struct({
  tree: Schema.Array(nodeOf(nodeOf(nodeOf(Schema.Struct({ id: Schema.String })))))
})

describe("serviceradar agent", () => {
  it.live("answers checks, shows its checkers in the tree, and drains on SIGTERM with exit code 0", () =>
    Effect.gen(function*() {
      const port = yield* Program.freePort
      const httpPort = yield* Program.freePort
      const program = yield* agent(port, ["--http", `127.0.0.1:${httpPort}`])
      yield* serving(program, port)
      const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` })
      const silent = yield* silentWeb

      const own = yield* client.getStatus(request("port", "own", `127.0.0.1:${port}`))
      const { tree } = yield* Program.fetchJson(`http://127.0.0.1:${httpPort}/api/tree`).pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Tree))
      )
      const hanging = yield* Effect.forkChild(
        Effect.result(client.getStatus(request("http", "silent", `http://127.0.0.1:${silent.port}/`)))
      )
      yield* Program.eventually(
        "the check runs",
        Effect.sync(() => silent.asked() ? Option.some(true) : Option.none()),
        { within: "30 seconds", programs: [program] }
      )
      const stoppedAtMillis = yield* Clock.currentTimeMillis
      yield* program.kill("SIGTERM")
      const code = yield* program.exited
      const drainedMillis = (yield* Clock.currentTimeMillis) - stoppedAtMillis

      assert.deepInclude(own, { available: true, agentId: "edge-1", pollerId: "poller-1" })
      const checkers = tree[0]?.children.find(({ id }) => id === "Checkers")
      const ports = checkers?.children.find(({ id }) => id === "PortChecker")
      assert.deepStrictEqual(ports?.children.map(({ id }) => id), [`port:own:127.0.0.1:${port}`])
      assert.strictEqual(code, 0, program.output())
      assert.isBelow(drainedMillis, 12_000)
      // Whoever waits is told, rather than left alone.
      const answer = yield* Fiber.join(hanging)
      assert.isTrue(answer._tag === "Failure" && answer.failure._tag === "Unavailable")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("says which address is taken and exits with 2", () =>
    Effect.gen(function*() {
      const port = yield* Program.freePort
      const first = yield* agent(port)
      yield* serving(first, port)

      const second = yield* agent(port)
      const code = yield* second.exited

      assert.strictEqual(code, 2)
      assert.include(second.output(), `Cannot listen on 127.0.0.1:${port}`)
      assert.include(second.output(), "address already in use")
      assert.isTrue(first.isRunning())
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("names file, key, value and expectation of a wrong configuration and exits with 2", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const directory = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-agent-" })
      const file = `${directory}/agent.json`
      yield* files.writeFileString(file, JSON.stringify({ agent_id: "edge-1", listen_addr: 50051 }))

      const program = yield* Program.start(["agent", "--config", file])
      const code = yield* program.exited

      assert.strictEqual(code, 2)
      for (const part of [file, "listen_addr", "50051"]) assert.include(program.output(), part)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
