/** Peers that misbehave, are old, slow or silent, and what a client and a server of ours make of it. */
import { assert, describe, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import { Deferred, Effect, Exit, Fiber, Option, Schedule, Stream } from "effect"
import * as http2 from "node:http2"
import * as zlib from "node:zlib"
import { HealthService } from "../../../src/gen/grpc/health/v1/health.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import { NotFound } from "../../../src/layers/grpc/GrpcError.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import {
  agentService,
  ask,
  frame,
  freePort,
  http2Server,
  rawServer,
  resultsChunk,
  resultsRequest,
  serve,
  serveOn,
  soon,
  statusRequest,
  statusResponse
} from "./fixture.ts"
import { transports } from "./transports.ts"

/** The server of grpc-js, as a peer of another make. */
const grpcJsServer = (port: number, options: grpc.ServerOptions = {}) =>
  Effect.gen(function*() {
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => new grpc.Server(options)),
      (one) => Effect.sync(() => one.forceShutdown())
    )
    server.register(
      HealthService.check.path,
      (_call: unknown, answer: grpc.sendUnaryData<{ readonly status: 1 }>) => answer(null, { status: 1 }),
      HealthService.check.responseSerialize,
      HealthService.check.requestDeserialize,
      "unary"
    )
    const bound = yield* Effect.callback<number>((resume) =>
      server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
        resume(error === null ? Effect.succeed(bound) : Effect.die(error)))
    )
    return { port: bound }
  })

describe.each(transports)("over %s,", (transport) => {
  const health = (target: string, options: Omit<GrpcChannel.ChannelOptions, "target"> = {}) =>
    Effect.map(GrpcChannel.make({ transport, ...options, target }), GrpcHealth.client)

  describe("A client of ours", () => {
    it.live("outlives an answer of unknown compression (01-grpc-answer-compressed-unknown-kills-process.ts)", () =>
      Effect.gen(function*() {
        let encoding: http2.OutgoingHttpHeaders = {}
        const { port } = yield* http2Server((stream) => {
          stream.respond({ ":status": 200, "content-type": "application/grpc", ...encoding }, { waitForTrailers: true })
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
          stream.end(Buffer.from([1, 0, 0, 0, 2, 8, 1]))
        })
        const client = yield* health(`127.0.0.1:${port}`)

        const errors = yield* Effect.forEach(
          [{ "grpc-encoding": "zstd" }, {}, { "grpc-encoding": "gzip" }],
          (headers) =>
            Effect.suspend(() => {
              encoding = headers
              return Effect.flip(client.check("", { deadline: "5 seconds" }))
            })
        )

        assert.deepStrictEqual(errors.map(({ _tag }) => _tag), ["Internal", "Internal", "Internal"])
        assert.isTrue(errors.every(({ detail }) => detail !== ""))
      }))

    it.live("gives up a peer that takes the connection and says nothing (02-grpc-connect-without-settings-hangs-for-ever.ts)", () =>
      Effect.gen(function*() {
        const silent = yield* rawServer((socket) => void socket.resume())
        const { port } = silent
        const client = yield* health(`127.0.0.1:${port}`, { connectTimeout: "300 millis" })
        yield* Effect.exit(client.check("", { deadline: "100 millis" }))
        silent.stop()

        yield* grpcJsServer(port)

        const status = yield* Effect.timeout(
          Effect.retry(client.check("", { deadline: "1 second" }), Schedule.spaced("50 millis")),
          "10 seconds"
        )
        assert.strictEqual(status, "SERVING")
      }))

    // 10-refused-streams.mts
    it.live("repeats calls that were refused at the end of a connection's age (grpc-max-connection-age.ts)", () =>
      Effect.gen(function*() {
        const { port } = yield* grpcJsServer(0, {
          "grpc.max_connection_age_ms": 100,
          "grpc.max_connection_age_grace_ms": 2_000
        })
        const client = yield* health(`127.0.0.1:${port}`)

        const exits = yield* Effect.forEach(
          Array.from({ length: 300 }),
          () => Effect.exit(client.check("", { deadline: "5 seconds" })),
          { concurrency: 4 }
        )

        assert.deepStrictEqual(exits.filter(Exit.isFailure), [])
      }))

    it.live("speaks to an IPv6 address with a zone (17-grpc-ipv6-zone.ts)", () =>
      Effect.gen(function*() {
        const server = yield* GrpcServer.make({ host: "::1", port: 0, services: [], grace: "100 millis" })

        const statuses = yield* Effect.forEach(["::1", "::1%lo"], (host) =>
          Effect.flatMap(health(`[${host}]:${server.port}`), (client) =>
            client.check("", { deadline: "5 seconds" })))

        assert.deepStrictEqual(statuses, ["SERVING", "SERVING"])
      }))
  })

  describe("A server of ours", () => {
    it.live("refuses compression that it is not told of or does not know (18-grpc-server-takes-compressed-flag-without-encoding.ts)", () =>
      Effect.gen(function*() {
        const { port } = yield* serve()
        const gzipped = zlib.gzipSync(Buffer.alloc(0))
        const compressed = Buffer.concat([Buffer.from([1, 0, 0, 0, gzipped.length]), gzipped])

        const statuses = yield* Effect.all([
          ask(port, {}, Buffer.from([1, 0, 0, 0, 0])),
          ask(port, { "grpc-encoding": "zstd" }, frame(Buffer.alloc(0))),
          ask(port, { "grpc-encoding": "gzip" }, Buffer.from([1, 0, 0, 0, 1, 7])),
          ask(port, { "grpc-encoding": "gzip" }, compressed),
          ask(port, {}, frame(Buffer.alloc(0)))
        ])

        assert.deepStrictEqual(statuses, ["13", "12", "13", "0", "0"])
      }))

    it.live("answers what is no gRPC call in HTTP's own terms", () =>
      Effect.gen(function*() {
        const { port } = yield* serve()

        const statuses = yield* Effect.all([
          ask(port, { ":method": "PUT" }, Buffer.alloc(0)),
          ask(port, { "content-type": "text/plain" }, Buffer.alloc(0)),
          ask(port, { "grpc-timeout": "soon" }, frame(Buffer.alloc(0))),
          ask(port, {}, Buffer.alloc(0)),
          ask(port, {}, Buffer.from([0, 0, 0, 0, 9, 1]))
        ])

        assert.deepStrictEqual(statuses, ["HTTP 405", "HTTP 415", "13", "12", "13"])
      }))

    it.live("refuses a small message that decompresses to a large one", () =>
      Effect.gen(function*() {
        const { port } = yield* serve()
        const bomb = zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024))
        const head = Buffer.alloc(5)
        head.writeUInt8(1, 0)
        head.writeUInt32BE(bomb.length, 1)

        assert.strictEqual(yield* ask(port, { "grpc-encoding": "gzip" }, Buffer.concat([head, bomb])), "8")
      }))

    it.live("cuts a long error detail, and harms no call beside it (12-grpc-long-error-detail-breaks-connection.ts)", () =>
      Effect.gen(function*() {
        const release = yield* Deferred.make<void>()
        const server = yield* serve(agentService({
          getStatus: (request) =>
            request.serviceName === "long"
              ? Effect.fail(new NotFound({ detail: "d".repeat(100_000) }))
              : Effect.as(Deferred.await(release), statusResponse(request.serviceName))
        }))
        const client = yield* GrpcClient.make(AgentServiceService, { transport, target: server.address })
        const beside = yield* Effect.forkChild(client.getStatus(statusRequest("beside")), { startImmediately: true })

        const long = yield* Effect.flip(client.getStatus(statusRequest("long")))
        yield* Deferred.succeed(release, undefined)

        assert.strictEqual(long._tag, "NotFound")
        assert.match(long.detail, /^d+\.\.\. \(100000 characters in all\)$/)
        assert.strictEqual((yield* Fiber.join(beside)).serviceName, "beside")
      }))

    it.live("hears of a call that is cancelled at once (05-grpc-early-cancel-not-heard.ts)", () =>
      Effect.gen(function*() {
        let running = 0
        let entered = 0
        const server = yield* serve(agentService({
          getStatus: () =>
            Effect.acquireUseRelease(
              Effect.sync(() => {
                running += 1
                entered += 1
              }),
              () => Effect.never,
              () => Effect.sync(() => void (running -= 1))
            )
        }))
        const client = yield* GrpcClient.make(AgentServiceService, { transport, target: server.address })
        yield* Effect.exit(client.getStatus(statusRequest("first"), { deadline: "50 millis" }))

        for (const wait of [Effect.void, Effect.yieldNow, Effect.sleep(0), Effect.sleep(1), Effect.sleep(3)]) {
          for (let call = 0; call < 20; call += 1) {
            const fiber = yield* Effect.forkChild(client.getStatus(statusRequest("s")), { startImmediately: true })
            yield* wait
            yield* Fiber.interrupt(fiber)
          }
        }

        yield* soon(Effect.repeat(Effect.sleep("10 millis"), { until: () => running === 0 }))
        assert.isAbove(entered, 1)
      }))

    it.live("takes deadlines beyond 24 days as they are", () =>
      Effect.gen(function*() {
        const left = yield* Deferred.make<number>()
        const server = yield* serve(agentService({
          getStatus: (request, call) =>
            Deferred.succeed(left, Option.getOrElse(call.deadline, () => 0) - Date.now()).pipe(
              Effect.as(statusResponse(request.serviceName))
            )
        }))
        const client = yield* GrpcClient.make(AgentServiceService, { transport, target: server.address })

        yield* client.getStatus(statusRequest("s"), { deadline: "60 days" })

        assert.approximately(yield* Deferred.await(left), 60 * 86_400_000, 3_600_000)
      }))

    it.live("hands repeated metadata to handler and client as lists (pyclient.ts)", () =>
      Effect.gen(function*() {
        const seen = yield* Deferred.make<ReadonlyArray<unknown>>()
        const server = yield* serve(agentService({
          getStatus: (request, call) =>
            Deferred.succeed(seen, call.metadata["x-a"] ?? []).pipe(
              Effect.andThen(call.sendHeaders({ "x-m": ["1, 2", "3"] })),
              Effect.andThen(call.setTrailers({ "x-t": ["1", "2"], "x-t-bin": [Uint8Array.of(1), Uint8Array.of(2)] })),
              Effect.as(statusResponse(request.serviceName))
            )
        }))
        const client = yield* GrpcClient.make(AgentServiceService, { transport, target: server.address })
        const got: Array<unknown> = []

        yield* client.getStatus(statusRequest("s"), {
          metadata: { "x-a": ["1", "2"] },
          onHeaders: (headers) => void got.push(headers["x-m"]),
          onTrailers: (trailers) => void got.push(trailers["x-t"], trailers["x-t-bin"]?.length)
        })

        assert.deepStrictEqual(yield* Deferred.await(seen), ["1", "2"])
        assert.deepStrictEqual(got, [["1, 2", "3"], ["1", "2"], 2])
      }))

    it.live("listens on both families without a host (13-listen-colon-port-is-ipv4-only.ts)", () =>
      Effect.gen(function*() {
        const port = yield* freePort
        yield* GrpcServer.make({ host: "", port, services: [], grace: "100 millis" })

        const statuses = yield* Effect.forEach(
          ["127.0.0.1", "[::1]", "localhost"],
          (host) => Effect.flatMap(health(`${host}:${port}`), (client) => client.check("", { deadline: "5 seconds" }))
        )

        assert.deepStrictEqual(statuses, ["SERVING", "SERVING", "SERVING"])
      }))

    it.live("ends the stream of a client that sends on after its answer", () =>
      Effect.gen(function*() {
        const { port } = yield* serve()
        const session = http2.connect(`http://127.0.0.1:${port}`)
        const stream = session.request({
          ":method": "POST",
          ":path": "/no.such/Method",
          "content-type": "application/grpc"
        })
        stream.on("error", () => {})
        stream.resume()

        yield* soon(Effect.callback<void>((resume) => {
          stream.on("close", () => resume(Effect.void))
          stream.write(Buffer.alloc(1_000))
        }))
        session.destroy()
      }))
  })

  describe("Streams", () => {
    it.live("of compressed messages pass both ways", () =>
      Effect.gen(function*() {
        const server = yield* serveOn(
          0,
          { compression: "gzip" },
          agentService({
            streamResults: (details) =>
              Stream.make(resultsChunk(0, 2, Buffer.from(details)), resultsChunk(1, 2, Buffer.from(details)))
          })
        )
        const client = yield* GrpcClient.make(AgentServiceService, {
          transport,
          target: server.address,
          compression: "deflate"
        })
        const text = "the same again and again ".repeat(1_000)

        const chunks = yield* Stream.runCollect(client.streamResults(resultsRequest(text)))

        assert.deepStrictEqual(chunks.map(({ data }) => data.toString() === text), [true, true])
      }))
  })
})
