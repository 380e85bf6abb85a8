/** Requests of megabytes in a stream; the rest of the contract of such calls stands in `GrpcCall.test.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import * as http2 from "node:http2"
import { PollerServiceService, PollerStatusChunk, PollerStatusRequest } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import { coreService, frame, http2Server, serve, statusChunk } from "./fixture.ts"
import { transports } from "./transports.ts"

/** More than any window that a server allows at first, each with a letter of its own. */
const texts = ["a", "b", "c"].map((letter) => letter.repeat(3_000_000))
const chunks = Stream.rechunk(Stream.fromIterable(texts.map((text, index) => statusChunk(index, text))), 1)

/** Nine megabytes on a machine where others work. */
const timeoutMillis = 30_000

const answer = (stream: http2.ServerHttp2Stream) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
  stream.end(frame(Buffer.from([8, 1])))
}

describe.each(transports)("over %s,", (transport) => {
  it.live("a stream of large requests arrives whole and in order", () =>
    Effect.gen(function*() {
      const received: Array<string> = []
      const server = yield* serve(coreService((arriving) =>
        arriving.pipe(
          Stream.runForEach(({ kvStoreId }) => Effect.sync(() => void received.push(kvStoreId))),
          Effect.as({ received: true })
        )
      ))
      const client = yield* GrpcClient.make(PollerServiceService, { transport, target: server.address })

      assert.deepStrictEqual(yield* client.streamStatus(chunks), { received: true })
      assert.isTrue(received.length === 3 && received.every((text, index) => text === texts[index]))
    }), timeoutMillis)

  it.live(
    "one large request arrives whole, and so does what waits until the peer has room for another call",
    () =>
      Effect.gen(function*() {
        const received: Array<Buffer> = []
        const { port } = yield* http2Server((stream) => {
          const parts: Array<Buffer> = []
          stream.on("data", (part: Buffer) => parts.push(part))
          stream.on("end", () => {
            received.push(Buffer.concat(parts))
            answer(stream)
          })
        }, { maxConcurrentStreams: 1 })
        const client = yield* GrpcClient.make(PollerServiceService, { transport, target: `127.0.0.1:${port}` })
        const report = { ...statusChunk(0, texts[0]), services: [] }
        const small = Stream.rechunk(Stream.make(statusChunk(1), statusChunk(2)), 1)

        const answers = yield* Effect.all([
          client.reportStatus(report, { deadline: "20 seconds" }),
          client.streamStatus(small, { deadline: "20 seconds" }),
          client.reportStatus(report, { deadline: "20 seconds" })
        ], { concurrency: "unbounded" })

        assert.isTrue(answers.every(({ received }) => received))
        const large = frame(PollerStatusRequest.encode(report).finish())
        const expected = [
          large,
          Buffer.concat([1, 2].map((index) => frame(PollerStatusChunk.encode(statusChunk(index)).finish()))),
          large
        ]
        assert.isTrue(expected.every((bytes) => received.some((one) => one.equals(bytes))))
      }),
    timeoutMillis
  )

  it.live("a stream without requests is one", () =>
    Effect.gen(function*() {
      const server = yield* serve(
        coreService((arriving) => Effect.map(Stream.runCount(arriving), (count) => ({ received: count === 0 })))
      )
      const client = yield* GrpcClient.make(PollerServiceService, { transport, target: server.address })

      assert.deepStrictEqual(yield* client.streamStatus(Stream.empty), { received: true })
    }), timeoutMillis)

  // Over grpc-js the server did not hear of it within half a minute.
  it.live.runIf(transport === "http2")(
    "a request that cannot be serialized fails the call, which the server hears of",
    () =>
      Effect.gen(function*() {
        const isReset = yield* Deferred.make<void>()
        const { port } = yield* http2Server((stream) => {
          stream.resume()
          stream.on("close", () => {
            if (stream.rstCode === http2.constants.NGHTTP2_CANCEL) Deferred.doneUnsafe(isReset, Effect.void)
          })
        })
        const requestSerialize = (chunk: PollerStatusChunk): Buffer => {
          if (chunk.chunkIndex > 0) throw new Error("no such field")
          return PollerServiceService.streamStatus.requestSerialize(chunk)
        }
        const client = yield* GrpcClient.make({
          ...PollerServiceService,
          streamStatus: { ...PollerServiceService.streamStatus, requestSerialize }
        }, { transport, target: `127.0.0.1:${port}` })
        const small = Stream.rechunk(Stream.make(statusChunk(0), statusChunk(1)), 1)

        const error = yield* Effect.flip(client.streamStatus(small, { deadline: "20 seconds" }))
        yield* Deferred.await(isReset)

        assert.strictEqual(error._tag, "Internal")
        assert.include(error.detail, "no such field")
      }),
    timeoutMillis
  )
})

describe("A stream of requests over http2", () => {
  it.live(
    "has its bytes to itself until it says that a request is sent, whatever room the peer gives",
    () =>
      Effect.gen(function*() {
        const parts: Array<Buffer> = []
        // All of a request is allowed at once, though the peer reads nothing for a while.
        const { port } = yield* http2Server((stream) => {
          stream.session?.setLocalWindowSize(16 * 2 ** 20)
          stream.on("data", (part: Buffer) => parts.push(part))
          stream.on("end", () => answer(stream))
        }, { initialWindowSize: 16 * 2 ** 20 })
        const room = Buffer.alloc(4_000_000)
        const told: Array<number> = []
        const client = yield* GrpcClient.make({
          ...PollerServiceService,
          streamStatus: {
            ...PollerServiceService.streamStatus,
            requestSerialize: (chunk: PollerStatusChunk) => {
              const bytes = PollerStatusChunk.encode(chunk).finish()
              room.set(bytes)
              return room.subarray(0, bytes.length)
            },
            requestSent: ({ chunkIndex }: PollerStatusChunk) => {
              told.push(chunkIndex)
              room.fill(0)
            }
          }
        }, { transport: "http2", target: `127.0.0.1:${port}` })

        assert.deepStrictEqual(yield* client.streamStatus(chunks), { received: true })
        assert.deepStrictEqual(told, [0, 1, 2])
        const expected = texts.map((text, index) => frame(PollerStatusChunk.encode(statusChunk(index, text)).finish()))
        assert.isTrue(Buffer.concat(parts).equals(Buffer.concat(expected)))
      }),
    timeoutMillis
  )

  it.live("that the peer refuses before any has gone out is sent again", () =>
    Effect.gen(function*() {
      const isAskedAgain = yield* Deferred.make<void>()
      let asked = 0
      const { port } = yield* http2Server((stream) => {
        asked += 1
        if (asked === 1) return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
        Deferred.doneUnsafe(isAskedAgain, Effect.void)
        stream.resume()
        stream.on("end", () => answer(stream))
      })
      const client = yield* GrpcClient.make(PollerServiceService, { transport: "http2", target: `127.0.0.1:${port}` })
      const late = Stream.fromEffect(Effect.as(Deferred.await(isAskedAgain), statusChunk(0)))

      assert.deepStrictEqual(yield* client.streamStatus(late), { received: true })
      assert.strictEqual(asked, 2)
    }), timeoutMillis)

  it.live("of which one has gone out is not sent again", () =>
    Effect.gen(function*() {
      let asked = 0
      const { port } = yield* http2Server((stream) => {
        asked += 1
        stream.once("data", () => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM))
      })
      const client = yield* GrpcClient.make(PollerServiceService, { transport: "http2", target: `127.0.0.1:${port}` })
      const open = Stream.concat(Stream.make(statusChunk(0)), Stream.never)

      assert.strictEqual((yield* Effect.flip(client.streamStatus(open)))._tag, "Unavailable")
      assert.strictEqual(asked, 1)
    }), timeoutMillis)
})
