import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Ref, Scope, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import * as crypto from "node:crypto"
import * as http2 from "node:http2"
import {
  type ServerReflectionRequest,
  ServerReflectionService
} from "../../../src/gen/grpc/reflection/v1/reflection.ts"
import { AgentServiceService, PollerServiceService, ResultsChunk } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import {
  agentService,
  coreService,
  frame,
  freePort,
  http2Server,
  rawServer,
  resultsChunk,
  resultsRequest,
  serve,
  serveOn,
  settled,
  soon,
  statusChunk,
  statusRequest,
  statusResponse
} from "./fixture.ts"
import { transports } from "./transports.ts"

describe.each(transports)("over %s,", (transport) => {
  const agentClient = (target: string) =>
    GrpcClient.make(AgentServiceService, { transport, target, deadline: "5 seconds" })

  describe("deadline of a call", () => {
    it.live("ends it with DeadlineExceeded at the client and interrupts the handler", () =>
      Effect.gen(function*() {
        const released = yield* Deferred.make<void>()
        const server = yield* serve(agentService({
          getStatus: () => Effect.never.pipe(Effect.onInterrupt(() => Deferred.succeed(released, undefined)))
        }))
        const client = yield* agentClient(server.address)

        // Long enough for the call to reach the handler on a machine that has other things to do.
        const error = yield* Effect.flip(client.getStatus(statusRequest("slow"), { deadline: "2 seconds" }))
        yield* soon(Deferred.await(released))

        assert.strictEqual(error._tag, "DeadlineExceeded")
        assert.strictEqual(error.method, "/monitoring.AgentService/GetStatus")
      }))

    it.live("is what the client was made with when the call names none", () =>
      Effect.gen(function*() {
        const server = yield* serve(agentService({ getStatus: () => Effect.never }))
        const client = yield* GrpcClient.make(AgentServiceService, {
          transport,
          target: server.address,
          deadline: "50 millis"
        })

        const error = yield* Effect.flip(client.getStatus(statusRequest("slow")))

        assert.strictEqual(error._tag, "DeadlineExceeded")
      }))

    it.live("is told to the handler as the time that remains", () =>
      Effect.gen(function*() {
        const remaining = yield* Deferred.make<Duration.Duration>()
        const server = yield* serve(agentService({
          getStatus: (request, call) =>
            call.remaining.pipe(
              Effect.flatMap((left) => Deferred.succeed(remaining, left)),
              Effect.as(statusResponse(request.serviceName))
            )
        }))
        const client = yield* agentClient(server.address)

        yield* client.getStatus(statusRequest("s"), { deadline: "20 seconds" })
        const left = Duration.toMillis(yield* Deferred.await(remaining))

        assert.isTrue(left > 15_000 && left <= 20_000, `${left} ms`)
      }))

    it.live("ends a stream that the peer never goes on with", () =>
      Effect.gen(function*() {
        const released = yield* Deferred.make<void>()
        const server = yield* serve(agentService({
          streamResults: () =>
            Stream.concat(Stream.make(resultsChunk(0, 2)), Stream.never).pipe(
              Stream.ensuring(Deferred.succeed(released, undefined))
            )
        }))
        const client = yield* agentClient(server.address)

        const exit = yield* client.streamResults(resultsRequest(""), { deadline: "100 millis" }).pipe(
          Stream.runDrain,
          Effect.flip
        )
        yield* soon(Deferred.await(released))

        assert.strictEqual(exit._tag, "DeadlineExceeded")
      }))

    it.effect("follows the clock of the fiber, so that a test clock can end a call", () =>
      Effect.gen(function*() {
        const entered = yield* Deferred.make<void>()
        const server = yield* serve(agentService({
          getStatus: () => Effect.andThen(Deferred.succeed(entered, undefined), Effect.never)
        }))
        const client = yield* agentClient(server.address)

        const call = yield* Effect.forkChild(Effect.flip(client.getStatus(statusRequest("s"), { deadline: "1 hour" })))
        yield* Deferred.await(entered)
        yield* TestClock.adjust("1 hour")
        const error = yield* Fiber.join(call)

        assert.strictEqual(error._tag, "DeadlineExceeded")
      }))
  })

  describe("interrupting", () => {
    it.live("a unary call interrupts its handler", () =>
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
        const client = yield* agentClient(server.address)

        const call = yield* Effect.forkChild(client.getStatus(statusRequest("s")))
        yield* soon(Deferred.await(entered))
        yield* Fiber.interrupt(call)

        yield* soon(Deferred.await(released))
      }))

    it.live("a stream by taking no more of it interrupts its handler", () =>
      Effect.gen(function*() {
        const released = yield* Deferred.make<void>()
        const server = yield* serve(agentService({
          streamResults: () =>
            Stream.forever(Stream.make(resultsChunk(0, 2))).pipe(Stream.ensuring(Deferred.succeed(released, undefined)))
        }))
        const client = yield* agentClient(server.address)

        const taken = yield* client.streamResults(resultsRequest("")).pipe(Stream.take(3), Stream.runCollect)

        yield* soon(Deferred.await(released))
        assert.strictEqual(taken.length, 3)
      }))

    it.live("a stream by failing in the middle of sending interrupts its handler and keeps the failure", () =>
      Effect.gen(function*() {
        const entered = yield* Deferred.make<void>()
        const released = yield* Deferred.make<void>()
        const server = yield* serve(coreService((chunks) =>
          Deferred.succeed(entered, undefined).pipe(
            Effect.andThen(Stream.runDrain(chunks)),
            Effect.as({ received: true }),
            Effect.onInterrupt(() => Deferred.succeed(released, undefined))
          )
        ))
        const client = yield* GrpcClient.make(PollerServiceService, { transport, target: server.address })
        const failing = Stream.fromEffect(Effect.andThen(Deferred.await(entered), Effect.fail("no more" as const)))

        const error = yield* Effect.flip(client.streamStatus(Stream.concat(Stream.make(statusChunk(0)), failing)))

        yield* soon(Deferred.await(released))
        assert.strictEqual(error, "no more")
      }))

    it.live("the client's connection interrupts the handler", () =>
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
        const scope = yield* Scope.make()
        const client = yield* agentClient(server.address).pipe(Scope.provide(scope))

        const call = yield* Effect.forkChild(Effect.exit(client.getStatus(statusRequest("s"))))
        yield* soon(Deferred.await(entered))
        yield* Fiber.interrupt(call)
        yield* Scope.close(scope, Exit.void)

        yield* soon(Deferred.await(released))
      }))

    it.live("a two-way stream by failing in the middle of sending interrupts its handler and keeps the failure", () =>
      Effect.gen(function*() {
        const released = yield* Deferred.make<void>()
        const echo = GrpcServer.service(ServerReflectionService, {
          serverReflectionInfo: (requests: Stream.Stream<ServerReflectionRequest>) =>
            Stream.map(requests, (request) => ({
              validHost: request.host,
              originalRequest: request,
              messageResponse: undefined
            })).pipe(Stream.ensuring(Deferred.succeed(released, undefined)))
        })
        const server = yield* serve(echo)
        const client = yield* GrpcClient.make(ServerReflectionService, { transport, target: server.address })
        const answered = yield* Deferred.make<void>()
        const failing = Stream.fromEffect(Effect.andThen(Deferred.await(answered), Effect.fail("no more" as const)))

        const error = yield* client.serverReflectionInfo(
          Stream.concat(Stream.make({ host: "one", messageRequest: undefined }), failing)
        ).pipe(Stream.runForEach(() => Deferred.succeed(answered, undefined)), Effect.flip)

        yield* soon(Deferred.await(released))
        assert.strictEqual(error, "no more")
      }))

    it.live("an early answer of the server stops the client's stream", () =>
      Effect.gen(function*() {
        const stopped = yield* Deferred.make<void>()
        const server = yield* serve(coreService((chunks) => Stream.runHead(chunks).pipe(Effect.as({ received: true }))))
        const client = yield* GrpcClient.make(PollerServiceService, { transport, target: server.address })

        const response = yield* client.streamStatus(
          Stream.concat(Stream.make(statusChunk(0)), Stream.never).pipe(
            Stream.ensuring(Deferred.succeed(stopped, undefined))
          )
        )

        yield* soon(Deferred.await(stopped))
        assert.deepStrictEqual(response, { received: true })
      }))
  })

  const payload = Buffer.alloc(64 * 1024)

  describe("back-pressure", () => {
    it.live("a reader that pauses stops the handler within a few messages, and gets all of them later", () =>
      Effect.gen(function*() {
        const total = 500
        const produced = yield* Ref.make(0)
        const resume = yield* Deferred.make<void>()
        const server = yield* serve(agentService({
          streamResults: () =>
            Stream.range(0, total - 1).pipe(
              Stream.rechunk(1),
              Stream.tap(() => Ref.update(produced, (n) => n + 1)),
              Stream.map((index) => resultsChunk(index, total, payload))
            )
        }))
        const client = yield* agentClient(server.address)

        const received = yield* Effect.forkChild(
          client.streamResults(resultsRequest("")).pipe(
            Stream.tap(() => Deferred.await(resume)),
            Stream.runCount
          )
        )
        const whilePaused = yield* settled(Ref.get(produced))
        yield* Deferred.succeed(resume, undefined)

        assert.strictEqual(yield* soon(Fiber.join(received)), total)
        assert.isTrue(whilePaused > 0 && whilePaused < 100, `${whilePaused} of ${total} were produced`)
      }))

    it.live("a handler that pauses stops the sender within a few messages", () =>
      Effect.gen(function*() {
        const total = 500
        const sent = yield* Ref.make(0)
        const resume = yield* Deferred.make<void>()
        const server = yield* serve(coreService((chunks) =>
          Deferred.await(resume).pipe(Effect.andThen(Stream.runDrain(chunks)), Effect.as({ received: true }))
        ))
        const client = yield* GrpcClient.make(PollerServiceService, { transport, target: server.address })
        const text = "x".repeat(64 * 1024)

        const call = yield* Effect.forkChild(
          client.streamStatus(
            Stream.range(0, total - 1).pipe(
              Stream.rechunk(1),
              Stream.tap(() =>
                Ref.update(sent, (n) => n + 1)
              ),
              Stream.map((index) => statusChunk(index, text))
            )
          )
        )
        const whilePaused = yield* settled(Ref.get(sent))
        yield* Deferred.succeed(resume, undefined)

        assert.deepStrictEqual(yield* soon(Fiber.join(call)), { received: true })
        assert.isTrue(whilePaused > 0 && whilePaused < 100, `${whilePaused} of ${total} were sent`)
      }))

    it.live("a deadline ends the handler of a stream whose reader has stopped reading", () =>
      Effect.gen(function*() {
        const released = yield* Deferred.make<void>()
        const server = yield* serve(agentService({
          streamResults: () =>
            Stream.forever(Stream.make(resultsChunk(0, 2, payload))).pipe(
              Stream.ensuring(Deferred.succeed(released, undefined))
            )
        }))
        const client = yield* agentClient(server.address)

        yield* Effect.forkScoped(
          client.streamResults(resultsRequest(""), { deadline: "300 millis" }).pipe(
            Stream.runForEach(() => Effect.never),
            Effect.ignore
          )
        )

        yield* soon(Deferred.await(released))
      }))
  })

  describe("a peer", () => {
    it.live("that is absent fails the call with Unavailable at once", () =>
      Effect.gen(function*() {
        const port = yield* freePort
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const [took, error] = yield* Effect.timed(Effect.flip(client.getStatus(statusRequest("s"))))

        assert.strictEqual(error._tag, "Unavailable")
        assert.strictEqual(error.peer, `127.0.0.1:${port}`)
        assert.include(error.detail, "ECONNREFUSED")
        assert.isBelow(Duration.toMillis(took), 1_000)
      }))

    it.live("that is absent is waited for when the call says so", () =>
      Effect.gen(function*() {
        const port = yield* freePort
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const error = yield* Effect.flip(
          client.getStatus(statusRequest("s"), { waitForReady: true, deadline: "200 millis" })
        )

        assert.strictEqual(error._tag, "DeadlineExceeded")
      }))

    it.live("that accepts and never answers fails the call at its deadline", () =>
      Effect.gen(function*() {
        const { port } = yield* rawServer(() => {})
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const error = yield* Effect.flip(client.getStatus(statusRequest("s"), { deadline: "200 millis" }))

        assert.strictEqual(error._tag, "DeadlineExceeded")
      }))

    it.live("that writes garbage fails the call with a typed error", () =>
      Effect.gen(function*() {
        const { port } = yield* rawServer((socket) => {
          socket.write(crypto.randomBytes(4096))
        })
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

        assert.include(["Unavailable", "Internal", "Unknown"], error._tag)
      }))

    it.live("that closes the connection at once fails the call with Unavailable", () =>
      Effect.gen(function*() {
        const { port } = yield* rawServer((socket) => socket.destroy())
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

        assert.strictEqual(error._tag, "Unavailable")
      }))

    it.live("that dies in the middle of a stream fails it with Unavailable, after what had arrived", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = yield* serve(agentService({
          streamResults: () =>
            Stream.concat(Stream.range(0, 4).pipe(Stream.map((i) => resultsChunk(i, 9))), Stream.never)
        })).pipe(Scope.provide(scope))
        const client = yield* agentClient(server.address)
        const seen = yield* Ref.make(0)

        const error = yield* soon(
          client.streamResults(resultsRequest("")).pipe(
            Stream.runForEach((chunk) =>
              Ref.update(seen, (n) => n + 1).pipe(
                Effect.andThen(
                  chunk.chunkIndex === 4 ? Effect.forkChild(Scope.close(scope, Exit.void)) : Effect.void
                )
              )
            ),
            Effect.flip
          )
        )

        assert.strictEqual(error._tag, "Unavailable")
        assert.strictEqual(yield* Ref.get(seen), 5)
      }))

    it.live("that resets the stream fails it with Internal, after what had arrived", () =>
      Effect.gen(function*() {
        const { port } = yield* http2Server((stream) => {
          stream.respond({ ":status": 200, "content-type": "application/grpc" })
          stream.write(
            frame(ResultsChunk.encode(resultsChunk(0, 2)).finish()),
            () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
          )
        })
        const client = yield* agentClient(`127.0.0.1:${port}`)
        const seen = yield* Ref.make(0)

        const error = yield* client.streamResults(resultsRequest(""), { deadline: "5 seconds" }).pipe(
          Stream.runForEach(() => Ref.update(seen, (n) => n + 1)),
          Effect.flip
        )

        assert.deepStrictEqual([error._tag, yield* Ref.get(seen)], ["Internal", 1])
      }))

    it.live("that refuses the stream before it began is Unavailable", () =>
      Effect.gen(function*() {
        const { port } = yield* http2Server((stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM))
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

        assert.strictEqual(error._tag, "Unavailable")
      }))

    it.live("that answers with bytes that are no message fails the call with Internal", () =>
      Effect.gen(function*() {
        const { port } = yield* http2Server((stream) => {
          stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
          stream.end(frame(Buffer.from("ffffffffffffffffffffff", "hex")))
        })
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

        assert.strictEqual(error._tag, "Internal")
      }))

    it.live("that is a web server fails the call with a typed error", () =>
      Effect.gen(function*() {
        const { port } = yield* http2Server((stream) => {
          stream.respond({ ":status": 404, "content-type": "text/html" })
          stream.end("<html>")
        })
        const client = yield* agentClient(`127.0.0.1:${port}`)

        const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

        assert.strictEqual(error._tag, "Unimplemented")
      }))

    it.live("whose target makes no sense only fails the calls", () =>
      Effect.gen(function*() {
        const errors = yield* Effect.forEach(["", "nowhere:port", "127.0.0.1:99999"], (target) =>
          Effect.flatMap(agentClient(target), (client) => Effect.flip(client.getStatus(statusRequest("s")))))

        assert.deepStrictEqual(
          errors.map((error) =>
            error._tag
          ),
          ["Unavailable", "Unavailable", "Unavailable"]
        )
      }))

    it.live("that returns is found again", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const first = yield* serve(agentService({})).pipe(Scope.provide(scope))
        const client = yield* agentClient(first.address)
        yield* client.getStatus(statusRequest("s"))
        yield* Scope.close(scope, Exit.void)
        const away = yield* Effect.flip(client.getStatus(statusRequest("s")))

        yield* serveOn(first.port, {}, agentService({}))
        const response = yield* client.getStatus(statusRequest("s"), { waitForReady: true })

        assert.strictEqual(away._tag, "Unavailable")
        assert.strictEqual(response.serviceName, "s")
      }))

    it.live("on ':port' is this machine", () =>
      Effect.gen(function*() {
        const server = yield* serve(agentService({}))
        const client = yield* agentClient(`:${server.port}`)

        const response = yield* client.getStatus(statusRequest("s"))

        assert.strictEqual(response.serviceName, "s")
      }))
  })

  describe("message size", () => {
    const mebibytes = (n: number) => Buffer.alloc(n * 1024 * 1024)
    const serveLarge = serveOn(
      0,
      { maxSendBytes: -1 },
      agentService({
        getStatus: (request) => Effect.succeed({ ...statusResponse("s"), message: mebibytes(Number(request.details)) })
      })
    )

    it.live("above 4 MiB from the peer is refused as ResourceExhausted and the connection goes on", () =>
      Effect.gen(function*() {
        const server = yield* serveLarge
        const client = yield* agentClient(server.address)

        const error = yield* Effect.flip(client.getStatus({ ...statusRequest("s"), details: "5" }))
        const after = yield* client.getStatus({ ...statusRequest("s"), details: "3" })

        assert.strictEqual(error._tag, "ResourceExhausted")
        assert.strictEqual(after.message.length, 3 * 1024 * 1024)
      }))

    it.live("above 4 MiB to the peer is refused as ResourceExhausted and the connection goes on", () =>
      Effect.gen(function*() {
        const server = yield* serve(agentService({ getStatus: () => Effect.succeed(statusResponse("s")) }))
        const client = yield* agentClient(server.address)

        const error = yield* Effect.flip(
          client.getStatus({ ...statusRequest("s"), details: "x".repeat(5 * 1024 * 1024) })
        )
        const after = yield* client.getStatus(statusRequest("s"))

        assert.strictEqual(error._tag, "ResourceExhausted")
        assert.strictEqual(after.serviceName, "s")
      }))
  })

  describe("metadata", () => {
    it.live("goes to the handler and comes back as headers and trailers", () =>
      Effect.gen(function*() {
        const seen = yield* Deferred.make<ReadonlyArray<unknown>>()
        const server = yield* serve(agentService({
          getStatus: (request, call) =>
            Deferred.succeed(seen, [call.metadata["x-tenant"], call.metadata["x-key-bin"]?.map((v) => [...v])]).pipe(
              Effect.andThen(call.sendHeaders({ "x-agent": "agent-1" })),
              Effect.andThen(call.setTrailers({ "x-cost": ["1", "2"] })),
              Effect.as(statusResponse(request.serviceName))
            )
        }))
        const client = yield* agentClient(server.address)
        const got: Record<string, unknown> = {}

        yield* client.getStatus(statusRequest("s"), {
          metadata: { "X-Tenant": ["a", "b"], "x-key-bin": Uint8Array.of(1, 2) },
          onHeaders: (headers) => {
            got["headers"] = headers["x-agent"]
          },
          onTrailers: (trailers) => {
            got["trailers"] = trailers["x-cost"]
          }
        })

        assert.deepStrictEqual(yield* Deferred.await(seen), [["a", "b"], [[1, 2]]])
        assert.deepStrictEqual(got, { headers: ["agent-1"], trailers: ["1", "2"] })
      }))

    it.live("that may not travel fails the call and not the program", () =>
      Effect.gen(function*() {
        const server = yield* serve(agentService({}))
        const client = yield* agentClient(server.address)

        const error = yield* Effect.flip(client.getStatus(statusRequest("s"), { metadata: { "bad name": "x" } }))

        assert.strictEqual(error._tag, "Internal")
        assert.include(error.detail, "bad name")
      }))

    const traced = Effect.fnUntraced(function*() {
      const server = yield* serve(agentService({
        getStatus: () =>
          Effect.map(Effect.currentParentSpan, (span) => statusResponse(`${span._tag} ${span.traceId}`)).pipe(
            Effect.orDie
          )
      }))
      const client = yield* agentClient(server.address)
      return yield* Effect.all([
        Effect.map(Effect.currentSpan, (span) => span.traceId),
        Effect.map(client.getStatus(statusRequest("s")), ({ serviceName }) => serviceName)
      ]).pipe(Effect.withSpan("poll"))
    })

    it.live("carries the trace of the caller, in which a server makes no span that nobody keeps", () =>
      Effect.gen(function*() {
        const [outer, inner] = yield* traced()

        assert.strictEqual(inner, `ExternalSpan ${outer}`)
      }))

    it.live("carries the trace of the caller into the span of the server", () =>
      Effect.gen(function*() {
        const [outer, inner] = yield* traced()

        assert.strictEqual(inner, `Span ${outer}`)
      }).pipe(
        Effect.provideService(
          Tracer.Tracer,
          Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })
        )
      ))
  })
})
