/** Who is cut off for sending without asking for anything, and who never is, however much it sends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as FloodWatch from "../../../../../src/layers/grpc/internal/server/FloodWatch.ts"
import * as H2 from "../../../../fixtures/abuse/frames.ts"
import * as Program from "../../../../support/Program.ts"

/** It is looked when the test says so. */
const never = 2 ** 30
const limits: FloodWatch.FloodLimits = { everyMillis: never, overheadMax: 20_000, overheadMaxAtOnce: 200_000 }

interface Rig {
  readonly port: number
  readonly watch: FloodWatch.FloodWatch
  readonly told: ReadonlyArray<string>
  /** Bytes that the server has read from this client. */
  readonly read: (client: net.Socket) => number
}

const rig: Effect.Effect<Rig, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.callback<{ readonly server: http2.Http2Server; readonly rig: Rig }>((resume) => {
      const told: Array<string> = []
      const watch = new FloodWatch.FloodWatch(limits, (peer) => void told.push(peer))
      const sessions = new Set<http2.ServerHttp2Session>()
      const server = http2.createServer()
      server.on("session", (session) => {
        sessions.add(session)
        session.on("error", () => {})
        watch.add(session)
      })
      server.on("stream", (stream) => {
        stream.on("error", () => {})
        stream.on("data", (chunk: Buffer) => FloodWatch.useful(stream.session, chunk.length))
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const read = ({ localPort }: net.Socket) =>
          [...sessions].find((one) => !one.destroyed && one.socket.remotePort === localPort)?.socket.bytesRead ?? 0
        resume(Effect.succeed({ server, rig: { port, watch, told, read } }))
      })
    }),
    ({ server }) => Effect.sync(() => server.close())
  ),
  ({ rig }) => rig
)

const client = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<net.Socket>((resume) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.write(Buffer.concat([H2.preface, H2.settings()]))
        resume(Effect.succeed(socket))
      })
      socket.on("error", () => {}).resume()
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const until = (what: string, isSo: () => boolean) =>
  Program.eventually(what, Effect.sync(() => isSo() ? Option.some(true) : Option.none()), { within: "5 seconds" })

/** Sends, waits until the server has it, and lets the watch look. */
const sent = Effect.fnUntraced(function*({ read, watch }: Rig, socket: net.Socket, bytes: Buffer) {
  const before = read(socket)
  socket.write(bytes)
  yield* until("the server reads", () => read(socket) - before >= bytes.length)
  watch.look()
})

const many = (count: number, frame: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => frame))

/** HTTP/2 itself ends a flood of small frames before long, but has nothing against some that it does not know. */
const unknown = H2.frame(0xb, 0, 0, Buffer.alloc(991))
const noFrames = Buffer.alloc(0)

describe("FloodWatch", () => {
  it.live("cuts off at the second look in a row at which there is too much", () =>
    Effect.gen(function*() {
      const one = yield* rig
      const socket = yield* client(one.port)
      yield* sent(one, socket, many(34, unknown))
      const afterOne = one.told.length
      yield* sent(one, socket, many(34, unknown))
      yield* until("it is closed", () => socket.destroyed)

      assert.strictEqual(afterOne, 0)
      assert.deepStrictEqual(one.told, ["127.0.0.1"])
    }))

  it.live("forgives once what is not repeated", () =>
    Effect.gen(function*() {
      const one = yield* rig
      const socket = yield* client(one.port)
      for (let round = 0; round < 3; round++) {
        yield* sent(one, socket, many(34, unknown))
        yield* sent(one, socket, noFrames)
      }

      assert.deepStrictEqual(one.told, [])
    }))

  it.live("cuts off at once whoever sends enormously much", () =>
    Effect.gen(function*() {
      const one = yield* rig
      const socket = yield* client(one.port)
      yield* sent(one, socket, many(255, unknown))
      yield* until("it is closed", () => socket.destroyed)

      assert.deepStrictEqual(one.told, ["127.0.0.1"])
    }))

  it.live("lets a client make calls, and send messages of any size, for as long as it likes", () =>
    Effect.gen(function*() {
      const one = yield* rig
      const socket = yield* client(one.port)
      const start = H2.frame(H2.types.headers, H2.flags.endHeaders, 1, H2.call("/a/b"))
      yield* sent(one, socket, start)
      for (let round = 0; round < 4; round++) {
        const window = H2.frame(H2.types.windowUpdate, 0, 0, Buffer.from([0, 0, 1, 0]))
        yield* sent(one, socket, Buffer.concat([H2.frame(H2.types.data, 0, 1, Buffer.alloc(15_000)), window]))
        const calls = Array.from(
          { length: 60 },
          (_, at) => H2.frame(H2.types.headers, 5, 3 + 2 * (60 * round + at), H2.call("/a/b", [["x", "y".repeat(400)]]))
        )
        yield* sent(one, socket, Buffer.concat(calls))
      }

      assert.deepStrictEqual(one.told, [])
      assert.isFalse(socket.destroyed)
    }))

  it.live("harms no neighbour of who is cut off", () =>
    Effect.gen(function*() {
      const one = yield* rig
      const [flooding, neighbour] = [yield* client(one.port), yield* client(one.port)]
      yield* sent(one, neighbour, unknown)
      yield* sent(one, flooding, many(255, unknown))
      yield* until("it is closed", () => flooding.destroyed)
      yield* sent(one, neighbour, unknown)

      assert.isFalse(neighbour.destroyed)
    }))
})
