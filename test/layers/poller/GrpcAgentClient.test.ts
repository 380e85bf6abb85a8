import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, FileSystem, Layer, Option, References, Result, Scope, Stream } from "effect"
import * as path from "node:path"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import { Internal, ResourceExhausted } from "../../../src/layers/grpc/GrpcError.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import * as GrpcAgentClient from "../../../src/layers/poller/GrpcAgentClient.ts"
import * as GrpcCredentials from "../../../src/layers/security/GrpcCredentials.ts"
import {
  AgentClient,
  type AgentConnection,
  type AgentError,
  type Answer,
  type StatusReply
} from "../../../src/services/poller/AgentClient.ts"
import * as FakeAgent from "../../fixtures/FakeAgent.ts"
import { agent, check } from "../../services/poller/statuses.ts"
import { secured } from "../../support/secured.ts"

const deadline = Duration.millis(300)

const connect = Effect.fnUntraced(function*(address: string) {
  const client = yield* AgentClient
  return yield* client.connect(agent("agent-1", address, []), "poller-1")
})

const ssh = check("ssh")

const mtls = (folder: string, name: string) =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    server_name: "agent.serviceradar",
    tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" }
  })

const layer = GrpcAgentClient.layer.pipe(Layer.provide(secured))

const failureOf = (
  address: Effect.Effect<string, unknown, Scope.Scope>,
  call: (connection: AgentConnection) => Effect.Effect<unknown, AgentError> = ({ getStatus }) =>
    getStatus(ssh, deadline)
) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(call(yield* connect(yield* Effect.orDie(address))))
    return error.reason._tag
  })

describe("GrpcAgentClient", () => {
  it.live("leaves an agent for which there is no room among the open files, and asks it when there is", () =>
    Effect.gen(function*() {
      const address = yield* FakeAgent.serve()
      const first = yield* Effect.scope.pipe(Effect.flatMap(Scope.fork))
      yield* Scope.provide(connect(address), first)
      const second = yield* connect(address)
      const refused = yield* Effect.flip(second.getStatus(ssh, deadline))
      const absent = yield* Effect.flip(second.probe(Duration.seconds(5)))
      yield* Scope.close(first, Exit.void)
      yield* second.probe(Duration.seconds(5))
      const reply = yield* second.getStatus(ssh, Duration.seconds(5))

      assert.deepStrictEqual([refused.reason._tag, absent.reason._tag], ["Unreachable", "Unreachable"])
      assert.include(refused.message, "the limit of open files leaves room for connections to 1 agents")
      assert.isTrue(reply.available)
    }).pipe(
      Effect.provide(GrpcAgentClient.layerOf(1).pipe(Layer.provide(secured))),
      Effect.provideService(References.MinimumLogLevel, "None")
    ))

  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("asks for a status and says what the agent answered", () =>
      Effect.gen(function*() {
        const address = yield* FakeAgent.serve()
        const connection = yield* connect(address)
        const reply = yield* connection.getStatus(ssh, deadline)

        assert.deepStrictEqual(
          { ...reply, message: new TextDecoder().decode(reply.message) },
          { available: true, admittedBytes: 0, message: "{\"ok\":true}", responseTimeNanos: 1_000n, agentId: "" }
        )
        yield* connection.probe(deadline)
      }))

    it.effect("reads a result stream to its final chunk", () =>
      Effect.gen(function*() {
        const chunk = (index: number) => ({
          data: Buffer.from("[]"),
          isFinal: index === 1,
          chunkIndex: index,
          totalChunks: 2,
          currentSequence: "5",
          timestamp: 0n
        })
        const address = yield* FakeAgent.serve({
          streamResults: () => Stream.concat(Stream.make(chunk(0), chunk(1)), Stream.never)
        })
        const connection = yield* connect(address)
        const chunks = yield* Stream.runCollect(connection.streamResults(ssh, "", Duration.seconds(5)))

        assert.deepStrictEqual(chunks.map(({ isFinal, sequence }) => [isFinal, sequence]), [[false, "5"], [true, "5"]])
      }))

    it.effect("asks for a status without a fiber, and says the same", () =>
      Effect.gen(function*() {
        const address = yield* FakeAgent.serve({
          getStatus: (name) =>
            name === "hangs" ? Effect.never : Effect.succeed(FakeAgent.available(Buffer.from("{\"ok\":true}")))
        })
        const { askStatus, getStatus } = yield* connect(address)
        const ask = (name: string) =>
          Effect.flatMap(
            Effect.callback<Answer<StatusReply>>((resume) => {
              const cancel = askStatus?.(check(name), Duration.millis(500), (answer) => resume(Effect.succeed(answer)))
              return cancel === undefined ? undefined : Effect.sync(cancel)
            }),
            (answer) => answer._tag === "Reply" ? Effect.succeed(answer.reply) : answer.rest
          )

        assert.deepStrictEqual(yield* ask("ssh"), yield* getStatus(ssh, deadline))
        const error = yield* Effect.flip(ask("hangs"))
        assert.strictEqual(error.reason._tag, "TimedOut")
        assert.isTrue(Option.isNone(yield* Effect.timeoutOption(ask("hangs"), "100 millis")))
      }))

    it.effect("takes large answers that come together as far as they are admitted, one after the other", () =>
      Effect.gen(function*() {
        const bytes = 300_000
        const document = JSON.stringify("x".repeat(bytes))
        const address = yield* FakeAgent.serve({
          getStatus: (name) =>
            Effect.succeed(FakeAgent.available(Buffer.from(name === "small" ? "{\"ok\":true}" : document)))
        })
        const asked: Array<number> = []
        const client = yield* AgentClient
        const connection = yield* client.connect(
          agent("agent-1", address, []),
          "poller-1",
          (announced) => asked.push(announced) <= 3
        )
        const names = ["small", "one", "two", "three", "four"]
        const answers = yield* Effect.forEach(
          names,
          (name) => Effect.result(connection.getStatus(check(name), Duration.seconds(20))),
          { concurrency: "unbounded" }
        )

        const replies = answers.flatMap((answer) => Result.isSuccess(answer) ? [answer.success] : [])
        const large = replies.filter(({ message }) => message.length > 1_000)
        assert.lengthOf(replies, 4)
        assert.isTrue(large.every(({ message }) => new TextDecoder().decode(message) === document))
        assert.deepStrictEqual(large.map(({ admittedBytes }) => admittedBytes), asked.slice(0, 3))
        assert.isAtLeast(Math.min(...asked), document.length)
        const [refused] = answers.flatMap((answer) => Result.isFailure(answer) ? [answer.failure] : [])
        assert.strictEqual(refused?.reason._tag, "Busy")
        assert.include(refused?.message, "sends more than it may")
        // The connection serves those that come after it.
        assert.strictEqual((yield* connection.getStatus(check("small"), Duration.seconds(20))).admittedBytes, 0)
      }))

    it.effect("passes on how far sweeps have come, and hears it", () =>
      Effect.gen(function*() {
        const address = yield* FakeAgent.serve({
          getResults: ({ completionStatus }) =>
            Effect.succeed({
              available: true,
              data: Buffer.from("{}"),
              serviceName: "",
              serviceType: "",
              responseTime: 0n,
              agentId: "",
              pollerId: "",
              timestamp: 0n,
              currentSequence: "1",
              hasNewData: true,
              sweepCompletion: completionStatus
            })
        })
        const connection = yield* connect(address)
        const completion = {
          progress: "failed",
          completedAtSeconds: 12n,
          targetSequence: "7",
          targets: 20,
          targetsDone: 15,
          error: "no route"
        } as const
        const heard = yield* connection.getResults(ssh, "", Duration.seconds(5), completion)
        const unheard = yield* connection.getResults(ssh, "", Duration.seconds(5))

        assert.deepStrictEqual(heard.completion, completion)
        assert.isUndefined(unheard.completion)
      }))

    it.effect("tells apart an agent that is absent, hangs, resets, talks garbage or says too much", () =>
      Effect.gen(function*() {
        const large = Effect.succeed(FakeAgent.available(Buffer.alloc(5 * 1_048_576, "x")))

        assert.strictEqual(yield* failureOf(FakeAgent.refusing), "Unreachable")
        assert.strictEqual(yield* failureOf(FakeAgent.serve({ getStatus: () => Effect.never })), "TimedOut")
        assert.strictEqual(yield* failureOf(FakeAgent.reset), "Unreachable")
        assert.include(["Unreachable", "Garbled", "TimedOut"], yield* failureOf(FakeAgent.garbage))
        assert.include(["Unreachable", "TimedOut"], yield* failureOf(FakeAgent.hang))
        assert.strictEqual(
          yield* failureOf(
            FakeAgent.serve({ getStatus: () => large, maxSendBytes: -1 }),
            ({ getStatus }) => getStatus(ssh, Duration.seconds(5))
          ),
          "Garbled"
        )
      }))

    it.effect("tells apart what an agent does not offer and what fails inside it", () =>
      Effect.gen(function*() {
        const broken = FakeAgent.serve({ getStatus: () => Effect.fail(new Internal({ detail: "disk on fire" })) })

        assert.strictEqual(yield* failureOf(broken), "AgentFailed")
        assert.strictEqual(
          yield* failureOf(FakeAgent.serve(), ({ getResults }) => getResults(ssh, "", deadline)),
          "Unsupported"
        )
      }))

    it.effect("takes an agent that has no room now as one that is there", () =>
      Effect.gen(function*() {
        const full = Effect.fail(new ResourceExhausted({ detail: "64 calls are running: send it again later" }))
        assert.strictEqual(yield* failureOf(FakeAgent.serve({ getStatus: () => full })), "Busy")

        const server = yield* GrpcServer.make({
          host: "127.0.0.1",
          port: 0,
          services: [],
          grace: 0,
          interceptors: [() => full]
        })
        const connection = yield* connect(server.address)
        yield* connection.probe(deadline)
      }))

    it.effect("refuses every call on a connection whose certificate files are missing, with the file's name", () =>
      Effect.gen(function*() {
        const security = SecurityConfig.fromBlock({
          mode: "mtls",
          tls: { cert_file: "/absent/a.pem", key_file: "/absent/k.pem", ca_file: "/absent/ca.pem" }
        })
        const client = yield* AgentClient
        const connection = yield* client.connect({
          ...agent("agent-1", "127.0.0.1:1", []),
          security
        }, "poller-1")
        const error = yield* Effect.flip(connection.probe(deadline))

        assert.strictEqual(error.reason._tag, "Refused")
        assert.include(error.message, "/absent/a.pem")
      }))

    it.effect("lets an agent in as soon as the certificate files can be used", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const folder = yield* files.makeTempDirectoryScoped()
        const pems = path.resolve(import.meta.dirname, "../../fixtures/tls")
        const server = yield* GrpcServer.make({
          host: "127.0.0.1",
          port: 0,
          grace: 0,
          services: [],
          credentials: yield* GrpcCredentials.server(mtls(pems, "agent"), "127.0.0.1")
        })
        const client = yield* AgentClient
        const connection = yield* client.connect({
          ...agent("agent-1", server.address, []),
          security: mtls(folder, "poller")
        }, "poller-1")
        const before = yield* Effect.flip(connection.probe(deadline))
        for (const name of ["poller.pem", "poller-key.pem", "root.pem"]) {
          yield* files.copyFile(path.join(pems, name), path.join(folder, name))
        }
        yield* connection.probe(Duration.seconds(5))

        assert.strictEqual(before.reason._tag, "Refused")
      }).pipe(Effect.provide(secured)))

    it.effect("calls an answer that is no message garbled", () =>
      Effect.gen(function*() {
        const getStatus = { ...AgentServiceService.getStatus, responseSerialize: () => Buffer.from("ffff0107", "hex") }
        const { address } = yield* GrpcServer.make({
          host: "127.0.0.1",
          port: 0,
          grace: 0,
          services: [GrpcServer.service({ getStatus }, {
            getStatus: () => Effect.succeed(FakeAgent.available(Buffer.alloc(0)))
          })]
        })
        const error = yield* Effect.flip((yield* connect(address)).getStatus(ssh, Duration.seconds(5)))

        assert.strictEqual(error.reason._tag, "Garbled")
      }))
  })
})
