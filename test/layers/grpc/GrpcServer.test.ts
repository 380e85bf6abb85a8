import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Logger, Ref, Scope, Stream } from "effect"
import * as crypto from "node:crypto"
import * as http2 from "node:http2"
import * as net from "node:net"
import {
  AgentServiceService,
  PollerServiceService,
  type StatusResponse
} from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import {
  agentService,
  coreService,
  freePort,
  rawServer,
  resultsChunk,
  resultsRequest,
  serve,
  serveOn,
  soon,
  statusRequest,
  statusResponse
} from "./fixture.ts"

class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

const logged = (messages: Array<string>) =>
  Logger.layer([Logger.make(({ message, cause }) => {
    messages.push(`${String(message)} ${cause}`)
  })])

describe("GrpcServer", () => {
  it.live("names address and reason when the port is taken", () =>
    Effect.gen(function*() {
      const { port } = yield* rawServer(() => {})

      const error = yield* Effect.flip(serveOn(port, {}, agentService({})))

      assert.strictEqual(error._tag, "BindError")
      assert.strictEqual(error.address, `127.0.0.1:${port}`)
      assert.strictEqual(error.reason, "EADDRINUSE: address already in use")
    }))

  it.live("listens on the port it was given and frees it when its scope closes", () =>
    Effect.gen(function*() {
      const port = yield* freePort

      const first = yield* Effect.scoped(serveOn(port, {}))
      const second = yield* Effect.scoped(serveOn(port, {}))

      assert.deepStrictEqual([first.port, second.address], [port, `127.0.0.1:${port}`])
    }))

  it.live("gives handlers the services they ask for", () =>
    Effect.gen(function*() {
      const service = agentService({
        getStatus: (request) =>
          Effect.map(Greeting, (greeting) => statusResponse(`${greeting}, ${request.serviceName}`))
      })
      const make = serve(service, coreService(() => Effect.succeed({ received: true })))
      expectTypeOf(make).toExtend<Effect.Effect<GrpcServer.GrpcServer, GrpcServer.BindError, Greeting | Scope.Scope>>()
      expectTypeOf<Effect.Services<typeof make>>().toEqualTypeOf<Greeting | Scope.Scope>()
      const server = yield* make.pipe(Effect.provideService(Greeting, "hello"))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const response = yield* client.getStatus(statusRequest("ssh"))

      assert.strictEqual(response.serviceName, "hello, ssh")
    }))

  it.live("gives every call a scope that closes before the caller has the answer", () =>
    Effect.gen(function*() {
      const open = yield* Ref.make(0)
      const server = yield* serve(agentService({
        getStatus: (request) =>
          Effect.acquireRelease(Ref.update(open, (n) => n + 1), () => Ref.update(open, (n) => n - 1)).pipe(
            Effect.as(statusResponse(request.serviceName))
          )
      }))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      yield* client.getStatus(statusRequest("s"))

      assert.strictEqual(yield* Ref.get(open), 0)
    }))

  it.live("answers a defect with Unknown, logs it, and goes on with the other calls", () =>
    Effect.gen(function*() {
      const messages: Array<string> = []
      const release = yield* Deferred.make<void>()
      const entered = yield* Deferred.make<void>()
      const server = yield* serve(agentService({
        getStatus: (request) =>
          request.serviceName === "buggy"
            ? Effect.die(new Error("the secret cause"))
            : Deferred.succeed(entered, undefined).pipe(
              Effect.andThen(Deferred.await(release)),
              Effect.as(statusResponse(request.serviceName))
            ),
        streamResults: () => Stream.concat(Stream.make(resultsChunk(0, 2)), Stream.die(new Error("in the stream")))
      })).pipe(Effect.provide(logged(messages)))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const other = yield* Effect.forkChild(client.getStatus(statusRequest("healthy")))
      yield* soon(Deferred.await(entered))
      const unary = yield* Effect.flip(client.getStatus(statusRequest("buggy")))
      const stream = yield* Effect.flip(Stream.runDrain(client.streamResults(resultsRequest(""))))
      yield* Deferred.succeed(release, undefined)
      const healthy = yield* Fiber.join(other)

      assert.deepStrictEqual([unary._tag, unary.detail], ["Unknown", "internal error"])
      assert.deepStrictEqual([stream._tag, stream.detail], ["Unknown", "internal error"])
      assert.strictEqual(healthy.serviceName, "healthy")
      assert.isTrue(messages.some((text) => text.includes("the secret cause")), messages.join("\n"))
      assert.isTrue(messages.some((text) => text.includes("in the stream")), messages.join("\n"))
    }))

  it.live("answers a handler that throws before it makes an Effect as any other defect", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({
        getStatus: (): Effect.Effect<StatusResponse> => {
          throw new Error("thrown")
        }
      })).pipe(Effect.provide(logged([])))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

      assert.strictEqual(error._tag, "Unknown")
    }))

  it.live("answers a handler that was interrupted from within as a defect, for the server is not shutting down", () =>
    Effect.gen(function*() {
      const messages: Array<string> = []
      const server = yield* serve(agentService({ getStatus: () => Effect.interrupt })).pipe(
        Effect.provide(logged(messages))
      )
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

      assert.deepStrictEqual([error._tag, error.detail], ["Unknown", "internal error"])
      assert.isTrue(messages.some((text) => text.includes("gRPC handler died")), messages.join("\n"))
    }))

  it.live("answers a response that cannot be encoded with Internal, and goes on", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({
        getStatus: (request) => Effect.succeed({ ...statusResponse("s"), responseTime: BigInt(request.details) }),
        streamResults: () => Stream.make({ ...resultsChunk(0, 1), timestamp: 2n ** 70n })
      }))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })
      const ask = (time: bigint) => client.getStatus({ ...statusRequest("s"), details: String(time) })

      const unary = yield* Effect.flip(ask(2n ** 70n))
      const stream = yield* Effect.flip(Stream.runDrain(client.streamResults(resultsRequest(""))))
      const response = yield* ask(7n)

      assert.deepStrictEqual([unary._tag, stream._tag, response.responseTime], ["Internal", "Internal", 7n])
    }))

  it.live("outlives a client that writes garbage", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({}))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      yield* soon(Effect.callback<void>((resume) => {
        const socket = net.connect(server.port, "127.0.0.1", () => socket.write(crypto.randomBytes(4096)))
        socket.on("error", () => {})
        socket.on("close", () => resume(Effect.void))
        socket.resume()
        return Effect.sync(() => socket.destroy())
      }))
      const response = yield* client.getStatus(statusRequest("s"))

      assert.strictEqual(response.serviceName, "s")
    }))

  it.live("answers a method it does not serve with Unimplemented", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({}))
      const client = yield* GrpcClient.make(PollerServiceService, { target: server.address })

      const error = yield* Effect.flip(client.streamStatus(Stream.empty))

      assert.strictEqual(error._tag, "Unimplemented")
    }))

  it.live("lets running calls finish when it closes", () =>
    Effect.gen(function*() {
      const entered = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const scope = yield* Scope.make()
      const patient = agentService({
        getStatus: (request) =>
          Deferred.succeed(entered, undefined).pipe(
            Effect.andThen(Deferred.await(release)),
            Effect.as(statusResponse(request.serviceName))
          )
      })
      const server = yield* GrpcServer.make({ host: "127.0.0.1", port: 0, services: [patient] }).pipe(
        Scope.provide(scope)
      )
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const call = yield* Effect.forkChild(client.getStatus(statusRequest("s")))
      yield* soon(Deferred.await(entered))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* Deferred.succeed(release, undefined)

      assert.strictEqual((yield* soon(Fiber.join(call))).serviceName, "s")
      yield* soon(Fiber.join(closing))
    }))

  it.live("interrupts what still runs after the grace, and tells the caller Unavailable", () =>
    Effect.gen(function*() {
      const entered = yield* Deferred.make<void>()
      const released = yield* Deferred.make<void>()
      const scope = yield* Scope.make()
      const server = yield* serve(agentService({
        getStatus: () =>
          Deferred.succeed(entered, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(released, undefined))
          )
      })).pipe(Scope.provide(scope))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const call = yield* Effect.forkChild(Effect.flip(client.getStatus(statusRequest("s"))))
      yield* soon(Deferred.await(entered))
      yield* soon(Scope.close(scope, Exit.void))

      yield* soon(Deferred.await(released))
      const error = yield* soon(Fiber.join(call))
      assert.deepStrictEqual([error._tag, error.detail], ["Unavailable", "the server is shutting down"])
    }))

  it.live("interrupts the handler of a client that is gone without a word", () =>
    Effect.gen(function*() {
      const entered = yield* Deferred.make<void>()
      const released = yield* Deferred.make<void>()
      const server = yield* serve(agentService({
        getStatus: () =>
          Deferred.succeed(entered, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(released, undefined))
          )
      }))
      const session = http2.connect(`http://${server.address}`)
      session.on("error", () => {})
      const stream = session.request({
        ":method": "POST",
        ":path": "/monitoring.AgentService/GetStatus",
        "content-type": "application/grpc",
        te: "trailers"
      })
      stream.on("error", () => {})
      stream.end(Buffer.from([0, 0, 0, 0, 0]))

      yield* soon(Deferred.await(entered))
      session.socket.destroy()

      yield* soon(Deferred.await(released))
    }))

  it.live("refuses a message above its limit and goes on", () =>
    Effect.gen(function*() {
      const server = yield* serveOn(0, { maxReceiveBytes: 1_000, maxSendBytes: 2_000 }, agentService({}))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })
      const ask = (bytes: number) => client.getStatus({ ...statusRequest("s"), details: "x".repeat(bytes) })

      const error = yield* Effect.flip(ask(1_000))
      const response = yield* ask(100)

      assert.strictEqual(error._tag, "ResourceExhausted")
      assert.strictEqual(response.message.length, 100)
    }))

  it("keeps connections as the contract says", () => {
    assert.deepStrictEqual(GrpcServer.connectionLife({}), {
      handshakeMillis: 20_000,
      keepaliveMillis: 120_000,
      keepaliveTimeoutMillis: 20_000,
      idleMillis: 600_000,
      ageMillis: 86_400_000,
      ageGraceMillis: 300_000
    })
  })
})
