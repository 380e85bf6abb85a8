/** What each transport makes of peers' answers at the level of HTTP/2; the rest of the contract stands in the other files. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import * as http2 from "node:http2"
import * as zlib from "node:zlib"
import { AgentServiceService, StatusResponse } from "../../../src/gen/monitoring/monitoring.ts"
import type * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcCredentials from "../../../src/layers/grpc/GrpcCredentials.ts"
import {
  agentService,
  frame,
  http2Server,
  rawServer,
  resultsRequest,
  serve,
  soon,
  statusRequest,
  statusResponse
} from "./fixture.ts"
import { transports } from "./transports.ts"

const headers = { ":status": 200, "content-type": "application/grpc" }
const message = StatusResponse.encode(statusResponse("s")).finish()

const answer = (
  stream: http2.ServerHttp2Stream,
  bytes: Uint8Array,
  trailers: http2.OutgoingHttpHeaders,
  more: http2.OutgoingHttpHeaders = {}
) => {
  stream.respond({ ...headers, ...more }, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers(trailers))
  stream.end(bytes)
}

const fine = (stream: http2.ServerHttp2Stream) => answer(stream, frame(message), { "grpc-status": "0" })

describe.each(transports)("over %s,", (transport) => {
  const clientOf = (port: number, options: Partial<GrpcChannel.ChannelOptions> = {}) =>
    GrpcClient.make(AgentServiceService, {
      transport,
      target: `127.0.0.1:${port}`,
      deadline: "5 seconds",
      ...options
    })

  const failureOf = (onStream: (stream: http2.ServerHttp2Stream) => void) =>
    Effect.gen(function*() {
      const { port } = yield* http2Server(onStream)
      return yield* Effect.flip((yield* clientOf(port)).getStatus(statusRequest("s")))
    })

  it.live("the status is what the trailers say, its text decoded from percent signs", () =>
    Effect.gen(function*() {
      const encoded = yield* failureOf((stream) =>
        answer(stream, Buffer.alloc(0), { "grpc-status": "5", "grpc-message": "kein Ger%C3%A4t" })
      )
      const alone = yield* failureOf((stream) =>
        stream.respond({ ...headers, "grpc-status": "7", "grpc-message": "100%", "x-why": "rules" }, {
          endStream: true
        })
      )
      const unknown = yield* failureOf((stream) => answer(stream, Buffer.alloc(0), { "grpc-status": "99" }))

      assert.strictEqual(encoded._tag, "NotFound")
      assert.strictEqual(encoded.detail, "kein Gerät")
      assert.deepStrictEqual([alone._tag, alone.detail, alone.trailers["x-why"]], ["PermissionDenied", "100%", [
        "rules"
      ]])
      assert.strictEqual(unknown._tag, "Unknown")
    }))

  it.live("an answer without a status of gRPC is one of HTTP's", () =>
    Effect.gen(function*() {
      const of = (status: number) =>
        Effect.map(
          failureOf((stream) => {
            stream.respond({ ":status": status, "content-type": "text/plain" })
            stream.end("no")
          }),
          ({ _tag }) => _tag
        )

      assert.deepStrictEqual(
        yield* Effect.forEach([400, 401, 403, 404, 429, 502, 503, 504, 500], of),
        [
          "Internal",
          "Unauthenticated",
          "PermissionDenied",
          "Unimplemented",
          "Unavailable",
          "Unavailable",
          "Unavailable",
          "Unavailable",
          "Unknown"
        ]
      )
    }))

  it.live("an answer that ends without trailers is none", () =>
    Effect.gen(function*() {
      const error = yield* failureOf((stream) => {
        stream.respond(headers)
        stream.end(frame(message))
      })

      assert.strictEqual(error._tag, "Internal")
    }))

  it.live("the code of a reset stream says what it was", () =>
    Effect.gen(function*() {
      const { constants } = http2
      const of = (code: number) => Effect.map(failureOf((stream) => stream.close(code)), ({ _tag }) => _tag)

      assert.deepStrictEqual(
        yield* Effect.forEach([
          constants.NGHTTP2_PROTOCOL_ERROR,
          constants.NGHTTP2_INTERNAL_ERROR,
          constants.NGHTTP2_FLOW_CONTROL_ERROR,
          constants.NGHTTP2_REFUSED_STREAM,
          constants.NGHTTP2_CANCEL,
          constants.NGHTTP2_ENHANCE_YOUR_CALM,
          constants.NGHTTP2_INADEQUATE_SECURITY
        ], of),
        ["Internal", "Internal", "Internal", "Unavailable", "Cancelled", "ResourceExhausted", "PermissionDenied"]
      )
    }))

  it.live("a message may come in any pieces, and compressed", () =>
    Effect.gen(function*() {
      const whole = frame(message)
      const packed = zlib.gzipSync(message)
      const gzipped = frame(packed)
      gzipped.writeUInt8(1, 0)
      let asked = 0
      const { port } = yield* http2Server((stream) => {
        asked += 1
        if (asked === 2) return answer(stream, gzipped, { "grpc-status": "0" }, { "grpc-encoding": "gzip" })
        stream.respond(headers, { waitForTrailers: true })
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
        const write = (at: number): void =>
          at === whole.length ? void stream.end() : void stream.write(whole.subarray(at, at + 1), () => write(at + 1))
        write(0)
      })
      const client = yield* clientOf(port)

      assert.strictEqual((yield* client.getStatus(statusRequest("s"))).serviceName, "s")
      assert.strictEqual((yield* client.getStatus(statusRequest("s"))).serviceName, "s")
    }))

  // grpc-js takes the first for one without a message, and waits at the second until the deadline.
  it.live.runIf(transport === "http2")(
    "an answer that ends within a message, or has two of them, is an error",
    () =>
      Effect.gen(function*() {
        const cut = yield* failureOf((stream) =>
          answer(stream, frame(message).subarray(0, message.length), { "grpc-status": "0" })
        )
        const two = yield* failureOf((stream) =>
          answer(stream, Buffer.concat([frame(message), frame(message)]), { "grpc-status": "0" })
        )

        assert.deepStrictEqual([cut._tag, two._tag], ["Internal", "Internal"])
      })
  )

  it.live("a call that the peer refused is sent again, once", () =>
    Effect.gen(function*() {
      let asked = 0
      const { port } = yield* http2Server((stream) => {
        asked += 1
        if (asked === 1) return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
        fine(stream)
      })

      assert.strictEqual((yield* (yield* clientOf(port)).getStatus(statusRequest("s"))).serviceName, "s")
      assert.strictEqual(asked, 2)
    }))

  it.live("after GOAWAY the running call ends well, and the next one has a connection of its own", () =>
    Effect.gen(function*() {
      const sessions = new Set<unknown>()
      const { port } = yield* http2Server((stream) => {
        const isFirst = sessions.size === 0
        sessions.add(stream.session)
        if (!isFirst) return fine(stream)
        stream.session?.goaway(http2.constants.NGHTTP2_NO_ERROR, stream.id)
        setTimeout(() => fine(stream), 50)
      })
      const client = yield* clientOf(port)

      const first = yield* client.getStatus(statusRequest("s"))
      const second = yield* client.getStatus(statusRequest("s"))

      assert.deepStrictEqual([first.serviceName, second.serviceName, sessions.size], ["s", "s", 2])
    }))

  it.live("a connection on which a ping is not answered is given up", () =>
    Effect.gen(function*() {
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
      const { port } = yield* rawServer((socket) => {
        socket.resume()
        socket.write(settings)
      })
      const client = yield* clientOf(port, { keepalive: "100 millis", keepaliveTimeout: "100 millis" })

      const error = yield* Effect.flip(client.getStatus(statusRequest("s")))

      assert.strictEqual(error._tag, "Unavailable")
    }))

  it.live("a request above the channel's own limit is not sent", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({}))
      const client = yield* clientOf(server.port, { maxSendBytes: 1_000 })

      const error = yield* Effect.flip(client.getStatus({ ...statusRequest("s"), details: "x".repeat(2_000) }))

      assert.strictEqual(error._tag, "ResourceExhausted")
      assert.strictEqual((yield* client.getStatus(statusRequest("s"))).serviceName, "s")
    }))

  it.live("calls beyond the peer's limit of streams wait for their turn", () =>
    Effect.gen(function*() {
      let running = 0
      let most = 0
      const { port } = yield* http2Server((stream) => {
        running += 1
        most = Math.max(most, running)
        setTimeout(() => {
          running -= 1
          fine(stream)
        }, 5)
      }, { maxConcurrentStreams: 3 })
      const client = yield* clientOf(port)
      yield* client.getStatus(statusRequest("s"))

      yield* Effect.forEach(Array.from({ length: 20 }), () => client.getStatus(statusRequest("s")), {
        concurrency: "unbounded"
      })

      assert.isAtMost(most, 3)
    }))

  it.live("credentials that are renewed bring another connection, and no call is lost", () =>
    Effect.gen(function*() {
      const sessions = new Set<unknown>()
      const { port } = yield* http2Server((stream) => {
        sessions.add(stream.session)
        setTimeout(() => fine(stream), 20)
      })
      let renew: () => void = () => assert.fail("nobody listens")
      const onRenewal = (listener: () => void) => {
        renew = listener
        return () => {}
      }
      const client = yield* clientOf(port, {
        credentials: { ...GrpcCredentials.plainClient, onRenewal }
      })
      yield* client.getStatus(statusRequest("s"))
      const calls = yield* Effect.forkChild(
        Effect.repeat(client.getStatus(statusRequest("s")), { until: () => sessions.size > 1 })
      )

      renew()

      assert.strictEqual((yield* soon(Fiber.join(calls))).serviceName, "s")
    }))

  it.live("a stream of many messages comes whole, however slowly it is read", () =>
    Effect.gen(function*() {
      const total = 200
      const server = yield* serve(agentService({
        streamResults: () =>
          Stream.range(0, total - 1).pipe(Stream.map((chunkIndex) => ({
            data: Buffer.alloc(10_000),
            isFinal: chunkIndex === total - 1,
            chunkIndex,
            totalChunks: total,
            currentSequence: "1",
            timestamp: 1n
          })))
      }))
      const client = yield* clientOf(server.port)

      const indices = yield* client.streamResults(resultsRequest("")).pipe(
        Stream.tap(({ chunkIndex }) => chunkIndex % 50 === 0 ? Effect.sleep("20 millis") : Effect.void),
        Stream.map(({ chunkIndex }) => chunkIndex),
        Stream.runCollect
      )

      assert.deepStrictEqual([...indices], Array.from({ length: total }, (_, index) => index))
    }))
})
