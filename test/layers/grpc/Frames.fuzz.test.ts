/** Damaged frames of gRPC: read by the decoder alone, and sent to a server over HTTP/2 that is itself damaged. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, References, Result, Stream } from "effect"
import * as net from "node:net"
import * as zlib from "node:zlib"
import {
  AgentServiceService,
  PollerServiceService,
  PollerStatusChunk,
  StatusRequest
} from "../../../src/gen/monitoring/monitoring.ts"
import * as Compression from "../../../src/layers/grpc/Compression.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcError from "../../../src/layers/grpc/GrpcError.ts"
import * as Frames from "../../../src/layers/grpc/internal/Frames.ts"
import * as H2 from "../../fixtures/abuse/frames.ts"
import * as Mutations from "../../support/mutations.ts"
import { agentService, coreService, serveOn, statusChunk, statusRequest } from "./fixture.ts"

const pieces = [
  Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([1, 0, 0, 0, 0]),
  Buffer.from("ffffffffffffffffff01", "hex"),
  Buffer.alloc(9)
]

const request = Buffer.from(StatusRequest.encode(statusRequest("ssh")).finish())
const chunk = Buffer.from(
  PollerStatusChunk.encode({
    ...statusChunk(0),
    services: [{
      serviceName: "s",
      serviceType: "port",
      available: true,
      message: Buffer.from("{\"a\":1}"),
      responseTime: 1n,
      agentId: "a",
      pollerId: "p",
      partition: "d",
      source: "getStatus",
      kvStoreId: ""
    }]
  }).finish()
)

const messages: ReadonlyArray<readonly [method: string, sent: Buffer]> = [
  ["/monitoring.AgentService/GetStatus", Frames.encode(request, false)],
  ["/monitoring.AgentService/GetStatus", Frames.encode(zlib.gzipSync(request), true)],
  ["/monitoring.PollerService/StreamStatus", Buffer.concat([Frames.encode(chunk, false), Frames.encode(chunk, false)])]
]

const bytesMax = 65_536

/** Cut anywhere, as a network cuts it. */
const pieceByPiece = (decoder: Frames.FrameDecoder, bytes: Buffer, random: Mutations.Random) => {
  const frames: Array<Frames.Frame> = []
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random(64)
    decoder.push(bytes.subarray(at, at + size))
    at += size
    for (;;) {
      const next = decoder.next()
      if (Result.isFailure(next)) return Result.fail(next.failure)
      if (Option.isNone(next.success)) break
      frames.push(next.success.value)
    }
  }
  return Result.succeed(frames)
}

const tags = new Set(Object.keys(GrpcError))

const converse = (port: number, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" }, () => socket.end(bytes))
    const leave = setTimeout(() => socket.destroy(), 50)
    socket.on("error", () => {}).resume().once("close", () => {
      clearTimeout(leave)
      resolve()
    })
  })

describe("Frames with damage", () => {
  it("are messages, or an error of gRPC, and nothing is left in memory", async () => {
    const random = Mutations.generator()
    let refused = 0
    let undecoded = 0
    const growth = await Mutations.heapGrowth(Mutations.mutations, async () => {
      const [method, sent] = messages[random(messages.length)] ?? ["", Buffer.alloc(0)]
      const read = pieceByPiece(new Frames.FrameDecoder(bytesMax), Mutations.mutate(sent, random, pieces), random)
      if (Result.isFailure(read)) {
        refused += 1
        assert.isTrue(tags.has(read.failure._tag), read.failure._tag)
        return
      }
      for (const { bytes, isCompressed } of read.success) {
        const plain = isCompressed
          ? await Effect.runPromise(Effect.result(Compression.decompress("gzip", bytes, bytesMax)))
          : Result.succeed(bytes)
        if (Result.isFailure(plain)) {
          assert.isTrue(tags.has(plain.failure._tag))
          continue
        }
        const decode = method.endsWith("GetStatus")
          ? AgentServiceService.getStatus.requestDeserialize
          : PollerServiceService.streamStatus.requestDeserialize
        const message = Result.try({ try: () => decode(plain.success), catch: (cause) => cause })
        // The server answers it with Internal.
        if (Result.isFailure(message)) {
          undecoded += 1
          assert.instanceOf(message.failure, Error)
        }
      }
    })

    assert.isAbove(refused, 0)
    assert.isAbove(undecoded, 0)
    assert.isBelow(growth, Mutations.heapGrowthMax)
  })

  it.live("harm no server, which serves its neighbour all the while", () =>
    Effect.gen(function*() {
      const { port } = yield* serveOn(
        0,
        { maxReceiveBytes: bytesMax },
        agentService({}),
        coreService((chunks) => Effect.as(Stream.runDrain(chunks), { received: true }))
      )
      const neighbour = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` })
      const random = Mutations.generator()
      const { endHeaders, endStream } = H2.flags
      const conversations = messages.map(([method, sent], index) =>
        Buffer.concat([
          H2.preface,
          H2.settings([[3, 100], [4, 65_535]]),
          H2.frame(H2.types.headers, endHeaders, 1, H2.call(method, index === 1 ? [["grpc-encoding", "gzip"]] : [])),
          H2.frame(H2.types.data, endStream, 1, sent),
          H2.frame(H2.types.ping, 0, 0, Buffer.alloc(8)),
          H2.frame(H2.types.windowUpdate, 0, 0, Buffer.from([0, 0, 1, 0])),
          H2.frame(H2.types.rstStream, 0, 1, Buffer.from([0, 0, 0, 8]))
        ])
      )
      const atOnce = 25
      const growth = yield* Effect.promise(() =>
        Mutations.heapGrowth(Math.ceil(Mutations.mutations / 10 / atOnce), async () => {
          const sent = Array.from(
            { length: atOnce },
            () => Mutations.mutate(conversations[random(conversations.length)] ?? Buffer.alloc(0), random, pieces)
          )
          await Promise.all(sent.map((one) => converse(port, one)))
        })
      )

      assert.strictEqual((yield* neighbour.getStatus(statusRequest("neighbour"))).serviceName, "neighbour")
      assert.isBelow(growth, Mutations.heapGrowthMax)
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))
})
