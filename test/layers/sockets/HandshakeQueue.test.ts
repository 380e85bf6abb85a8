/** The order and number of handshakes that begin, over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as net from "node:net"
import * as HandshakeQueue from "../../../src/layers/sockets/HandshakeQueue.ts"
import * as Program from "../../support/Program.ts"

interface Begun {
  readonly address: string
  readonly socket: net.Socket
}

const listen = (limits: HandshakeQueue.HandshakeLimits) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: net.Server; readonly port: number; readonly rig: Rig }>((resume) => {
        const begun: Array<Begun> = []
        const refused: Array<string> = []
        const seen = { count: 0 }
        const queue = new HandshakeQueue.HandshakeQueue(
          limits,
          ({ remoteAddress }) => void refused.push(remoteAddress ?? "")
        )
        const server = net.createServer((socket) => {
          seen.count += 1
          socket.on("error", () => {})
          queue.add(socket, () => void begun.push({ address: socket.remoteAddress ?? "", socket }))
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          resume(Effect.succeed({ server, port, rig: { begun, port, queue, refused, seen } }))
        })
      }),
      ({ server }) => Effect.sync(() => server.close())
    ),
    ({ rig }) => rig
  )

interface Rig {
  readonly begun: ReadonlyArray<Begun>
  readonly port: number
  readonly queue: HandshakeQueue.HandshakeQueue
  readonly refused: ReadonlyArray<string>
  readonly seen: { readonly count: number }
}

const connect = ({ port, seen }: Rig, localAddress: string, say = "hello") =>
  Effect.gen(function*() {
    const before = seen.count
    const socket = yield* Effect.acquireRelease(
      Effect.callback<net.Socket>((resume) => {
        const socket = net.connect({ port, host: "127.0.0.1", localAddress }, () => {
          if (say !== "") socket.write(say)
          resume(Effect.succeed(socket))
        })
        socket.on("error", () => {}).resume()
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
    yield* until("it is accepted", () => seen.count > before)
    return socket
  })

const until = (what: string, isSo: () => boolean) =>
  Program.eventually(what, Effect.sync(() => isSo() ? Option.some(true) : Option.none()), { within: "5 seconds" })

const long = 60_000
const one = { atOnce: 1, turnMillis: long, waitMillis: long }

/** The one that has its turn is done; who is next? */
const next = Effect.fnUntraced(function*({ begun, queue }: Rig) {
  const last = begun.at(-1)
  const count = begun.length
  if (last !== undefined) queue.done(last.socket)
  yield* until("the next turn", () => begun.length > count)
})

describe("HandshakeQueue", () => {
  it.live("lets as many begin as it may, and the next when one of them is done or gone", () =>
    Effect.gen(function*() {
      const rig = yield* listen({ ...one, atOnce: 2 })
      yield* Effect.forEach([1, 2, 3, 4], () => connect(rig, "127.0.0.1"))
      yield* until("two of them", () => rig.begun.length === 2)
      rig.begun[0]?.socket.destroy()
      yield* until("a third", () => rig.begun.length === 3)
      yield* next(rig)

      assert.lengthOf(rig.begun, 4)
    }))

  it.live("hands over what has arrived before the turn", () =>
    Effect.gen(function*() {
      const rig = yield* listen(one)
      yield* connect(rig, "127.0.0.1", "the beginning")
      yield* until("its turn", () => rig.begun.length === 1)

      assert.strictEqual(String(rig.begun[0]?.socket.read()), "the beginning")
    }))

  it.live("gives addresses their turns one after the other, whoever has more connections", () =>
    Effect.gen(function*() {
      const rig = yield* listen(one)
      const abuser = yield* Effect.forEach([1, 2, 3, 4, 5], () => connect(rig, "127.0.0.2"))
      yield* until("the first turn", () => rig.begun.length === 1)
      yield* connect(rig, "127.0.0.3")
      yield* connect(rig, "127.0.0.4")
      yield* until("all have sent", () => rig.seen.count === 7)
      // What the newcomers have sent is there no later than what this one sends now.
      yield* connect(rig, "127.0.0.2")
      for (let turn = 0; turn < 3; turn++) yield* next(rig)

      assert.lengthOf(abuser, 5)
      assert.sameMembers(rig.begun.slice(1, 4).map(({ address }) => address), ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
    }))

  it.live("gives no turn to who says nothing, and waits for nobody who is slow", () =>
    Effect.gen(function*() {
      const rig = yield* listen({ ...one, turnMillis: 50 })
      yield* Effect.forEach([1, 2, 3], () => connect(rig, "127.0.0.2", ""))
      yield* Effect.forEach([1, 2], () => connect(rig, "127.0.0.3"))
      yield* until("both that spoke", () => rig.begun.length === 2)

      assert.deepStrictEqual(rig.begun.map(({ address }) => address), ["127.0.0.3", "127.0.0.3"])
    }))

  it.live("closes who has had no turn for too long, and tells of it", () =>
    Effect.gen(function*() {
      const rig = yield* listen({ atOnce: 1, turnMillis: 300, waitMillis: 100 })
      yield* connect(rig, "127.0.0.2")
      yield* until("the first turn", () => rig.begun.length === 1)
      const late = yield* connect(rig, "127.0.0.3")
      yield* until("it is closed", () => late.destroyed)

      assert.deepStrictEqual(rig.refused, ["127.0.0.3"])
      assert.lengthOf(rig.begun, 1)
    }))

  it.live("closes who went away without a word", () =>
    Effect.gen(function*() {
      const rig = yield* listen(one)
      const gone = yield* connect(rig, "127.0.0.2", "")
      gone.end()
      yield* until("it is closed", () => gone.destroyed)

      assert.lengthOf(rig.begun, 0)
    }))
})
