/** What a server gives its peers at most: as the environment says, and as a peer finds that goes beyond it. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Logger, Option, type Scope, Stream } from "effect"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import * as ServerLimits from "../../../src/layers/grpc/ServerLimits.ts"
import * as H2 from "../../fixtures/abuse/frames.ts"
import { agentService, resultsChunk } from "./fixture.ts"

const read = (environment: Record<string, string>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  return Effect.map(
    ServerLimits.fromEnvironment.pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
      Effect.provide(Logger.layer([logger]))
    ),
    (limits) => ({ limits, lines })
  )
}

describe("ServerLimits", () => {
  it.effect("are those of the documentation where nothing is said", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* read({}), { limits: ServerLimits.defaults, lines: [] })
      assert.deepStrictEqual((yield* read({ GRPC_IDLE_TIMEOUT: " " })).limits, ServerLimits.defaults)
    }))

  it.effect("are what the variables say", () =>
    Effect.gen(function*() {
      const { limits, lines } = yield* read({
        GRPC_MAX_CONNECTIONS: "200",
        GRPC_MAX_CONNECTIONS_PER_PEER: "1",
        GRPC_MAX_CONCURRENT_STREAMS: "1000000",
        GRPC_HANDSHAKE_TIMEOUT: "250ms",
        GRPC_REQUEST_TIMEOUT: "1.5s",
        GRPC_READER_TIMEOUT: "3m",
        GRPC_IDLE_TIMEOUT: "24h"
      })

      assert.deepStrictEqual(limits, {
        connections: Option.some(200),
        connectionsPerPeer: Option.some(1),
        streamsPerConnection: 1_000_000,
        handshake: Duration.millis(250),
        request: Duration.millis(1_500),
        reader: Duration.minutes(3),
        idle: Duration.hours(24)
      })
      assert.deepStrictEqual(lines, [])
    }))

  it.effect.each(
    [
      ["GRPC_MAX_CONNECTIONS", "0"],
      ["GRPC_MAX_CONNECTIONS", "1000001"],
      ["GRPC_MAX_CONNECTIONS", "-1"],
      ["GRPC_MAX_CONNECTIONS", "ten"],
      ["GRPC_IDLE_TIMEOUT", "30"],
      ["GRPC_IDLE_TIMEOUT", "0s"],
      ["GRPC_IDLE_TIMEOUT", "25h"],
      ["GRPC_IDLE_TIMEOUT", "-1s"]
    ] as const
  )("keep the default, and say so, where %s=%s", ([name, value]) =>
    Effect.gen(function*() {
      const { limits, lines } = yield* read({ [name]: value })

      assert.deepStrictEqual(limits, ServerLimits.defaults)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], `${name}=${value} is not`)
    }))
})

const served = (limits: Partial<ServerLimits.ServerLimits>) =>
  GrpcServer.make({
    host: "127.0.0.1",
    port: 0,
    grace: 0,
    limits: { ...ServerLimits.defaults, ...limits },
    services: [agentService<never, never>({
      // More than a window.
      streamResults: () => Stream.map(Stream.range(0, 99), (index) => resultsChunk(index, 100, Buffer.alloc(65_536)))
    })]
  })

interface Peer {
  readonly socket: net.Socket
  readonly closed: Effect.Effect<number, "still open">
}

/** A client that says these bytes, and nothing more; when it was closed, in milliseconds after it connected. */
const peer = (port: number, bytes: Uint8Array, localAddress = "127.0.0.1"): Effect.Effect<Peer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly socket: net.Socket; readonly state: { closed?: number } }>((resume) => {
        const state: { closed?: number } = {}
        const started = performance.now()
        const socket = net.connect({ port, host: "127.0.0.1", localAddress }, () => {
          socket.write(bytes)
          resume(Effect.succeed({ socket, state }))
        })
        socket.on("error", () => {}).resume()
        socket.once("close", () => {
          state.closed = performance.now() - started
          resume(Effect.succeed({ socket, state }))
        })
      }),
      ({ socket }) => Effect.sync(() => socket.destroy())
    ),
    ({ socket, state }): Peer => ({
      socket,
      closed: Effect.callback<number, "still open">((resume) => {
        const answer = () => resume(Effect.succeed(state.closed ?? Number.NaN))
        if (state.closed !== undefined) return answer()
        socket.once("close", answer)
      }).pipe(Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.fail("still open" as const) }))
    })
  )

const greeting = Buffer.concat([H2.preface, H2.settings()])

const call = (path: string, flag: number) => H2.frame(H2.types.headers, flag, 1, H2.call(path))

/** The status of a call, or that its stream was closed. */
const outcome = (
  port: number,
  act: (session: http2.ClientHttp2Session) => http2.ClientHttp2Stream,
  within: Duration.Input = "5 seconds"
) =>
  Effect.acquireUseRelease(
    Effect.sync(() => http2.connect(`http://127.0.0.1:${port}`)),
    (session) =>
      Effect.callback<string>((resume) => {
        session.on("error", () => {})
        const stream = act(session)
        const note = (headers: http2.IncomingHttpHeaders) => {
          const status = headers["grpc-status"]
          if (status !== undefined) resume(Effect.succeed(`status ${String(status)}`))
        }
        stream.on("response", note).on("trailers", note).on("error", () => {})
        stream.on("close", () => resume(Effect.succeed(`closed ${stream.rstCode}`)))
      }).pipe(Effect.timeout(within)),
    (session) => Effect.sync(() => session.destroy())
  )

const headersOf = (method: string) => ({
  ":method": "POST",
  ":path": `/monitoring.AgentService/${method}`,
  "content-type": "application/grpc",
  te: "trailers"
})

describe("A server with limits", () => {
  it.live("closes who comes to no terms: half a preface, or a preface without the first frame", () =>
    Effect.gen(function*() {
      const { port } = yield* served({ handshake: Duration.millis(300) })
      const half = yield* peer(port, H2.preface.subarray(0, 10))
      const noFrame = yield* peer(port, H2.preface)
      const greeted = yield* peer(port, greeting)

      const [one, other] = [yield* half.closed, yield* noFrame.closed]

      assert.isAtLeast(Math.min(one, other), 250)
      assert.isFalse(greeted.socket.destroyed)
    }))

  it.live("ends a call whose only request does not arrive, with DeadlineExceeded", () =>
    Effect.gen(function*() {
      const { port } = yield* served({ request: Duration.millis(300) })

      const answer = yield* outcome(port, (session) => session.request(headersOf("GetStatus")))

      assert.strictEqual(answer, "status 4")
    }))

  it.live("closes the stream of a client that does not read what is there for it", () =>
    Effect.gen(function*() {
      const { port } = yield* served({ reader: Duration.millis(300) })

      const answer = yield* outcome(port, (session) => {
        const stream = session.request(headersOf("StreamResults"))
        stream.end(H2.message(new Uint8Array()))
        // Paused for ever: its window is never opened again.
        return stream.pause()
      })

      assert.strictEqual(answer, `closed ${http2.constants.NGHTTP2_ENHANCE_YOUR_CALM}`)
    }))

  it.live(
    "leaves a client alone that reads a large message slowly, though it takes longer than the limit in all",
    () =>
      Effect.gen(function*() {
        const limitMillis = 3_000
        const bytes = 1_048_576
        const { port } = yield* GrpcServer.make({
          host: "127.0.0.1",
          port: 0,
          grace: 0,
          limits: { ...ServerLimits.defaults, reader: Duration.millis(limitMillis) },
          services: [agentService<never, never>({
            streamResults: () => Stream.make(resultsChunk(0, 1, Buffer.alloc(bytes)))
          })]
        })
        const began = performance.now()
        let read = 0
        const answer = yield* outcome(port, (session) => {
          const stream = session.request(headersOf("StreamResults"))
          stream.end(H2.message(new Uint8Array()))
          stream.on("data", (chunk: Buffer) => {
            read += chunk.length
            // A quarter of the message takes a third of the limit.
            stream.pause()
            setTimeout(() => stream.resume(), limitMillis / 3 * chunk.length / (bytes / 4))
          })
          return stream
        }, "30 seconds")

        assert.strictEqual(answer, "status 0")
        assert.isAbove(read, bytes / 2)
        assert.isAbove(performance.now() - began, limitMillis)
      }),
    60_000
  )

  it.live("closes a connection without calls", () =>
    Effect.gen(function*() {
      const { port } = yield* served({ idle: Duration.millis(300) })
      const idle = yield* peer(port, greeting)

      assert.isAtLeast(yield* idle.closed, 250)
    }))

  it.live("tells how many calls a connection may have, and refuses more", () =>
    Effect.gen(function*() {
      const { port } = yield* served({ streamsPerConnection: 2 })
      const told = yield* Effect.callback<number | undefined>((resume) => {
        const session = http2.connect(`http://127.0.0.1:${port}`)
        session.once("remoteSettings", ({ maxConcurrentStreams }) => {
          session.destroy()
          resume(Effect.succeed(maxConcurrentStreams))
        })
      })
      // One that does not care what it was told.
      const rude = yield* peer(port, greeting)
      const refused = Effect.callback<number>((resume) => {
        let received = Buffer.alloc(0)
        rude.socket.on("data", (chunk: Buffer) => {
          received = Buffer.concat([received, chunk])
          for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
            if (received[at + 3] === H2.types.rstStream && received.length >= at + 13) {
              return resume(Effect.succeed(received.readUInt32BE(at + 5)))
            }
          }
        })
        for (const id of [1, 3, 5]) {
          rude.socket.write(
            H2.frame(H2.types.headers, H2.flags.endHeaders, id, H2.call("/monitoring.AgentService/GetStatus"))
          )
        }
      })

      assert.strictEqual(told, 2)
      assert.strictEqual(yield* Effect.timeout(refused, "5 seconds"), 5)
    }))

  it.live("lets one address have its share of the connections, and not that of others", () =>
    Effect.gen(function*() {
      const { port } = yield* served({ connections: Option.some(20), connectionsPerPeer: Option.some(3) })
      const mine = yield* Effect.forEach([1, 2, 3], () => peer(port, greeting, "127.0.0.2"))
      yield* Effect.forEach(mine, ({ socket }) =>
        Effect.timeout(
          Effect.callback<void>((resume) => {
            if (socket.bytesRead > 0) return resume(Effect.void)
            socket.once("data", () => resume(Effect.void))
          }),
          "5 seconds"
        ))

      const tooMany = yield* peer(port, greeting, "127.0.0.2")
      yield* tooMany.closed
      const other = yield* peer(port, Buffer.concat([greeting, call("/nowhere", H2.flags.endHeaders)]))
      yield* Effect.timeout(
        Effect.callback<void>((resume) => void other.socket.once("data", () => resume(Effect.void))),
        "5 seconds"
      )

      assert.deepStrictEqual(mine.map(({ socket }) => socket.destroyed), [false, false, false])
    }))
})
