import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as net from "node:net"
import { listening, portOf, probe } from "../probing.ts"

/** A server that does this with each connection. */
const server = (serve: (socket: net.Socket) => void) =>
  Effect.map(listening(() => net.createServer(serve)), (made) => `127.0.0.1:${portOf(made)}`)

const limit = { limit: Duration.seconds(5) }

describe("TcpProbe", () => {
  it.live("hears what a server says of its own accord, in parts as it comes", () =>
    Effect.gen(function*() {
      const address = yield* server((socket) => {
        socket.write("SSH-2.0-")
        setTimeout(() => socket.write("Trial_1.0\r\n"), 50)
      })

      const plain = yield* probe("tcp", address)
      const whole = yield* probe("tcp", JSON.stringify({ address, expect: "^SSH-2\\.0-Trial_1\\.0\\r\\n$" }))

      assert.isTrue(plain.available)
      assert.include(String(plain.document["banner"]), "SSH-2.0-")
      assert.isTrue(whole.available, whole.message)
      assert.deepInclude(whole.document, { banner: "SSH-2.0-Trial_1.0\r\n", bytes: 19, address: "127.0.0.1" })
      assert.hasAllKeys(whole.document["timings"], ["dns", "connect", "first_byte", "total"])
    }).pipe(Effect.scoped))

  it.live("asks first where it is told to", () =>
    Effect.gen(function*() {
      const address = yield* server((socket) =>
        socket.on("data", (asked) => socket.write(asked.toString() === "PING\r\n" ? "+PONG\r\n" : "-ERR\r\n"))
      )

      const asked = yield* probe("tcp", JSON.stringify({ address, send: "PING\r\n", expect: "^\\+PONG" }))
      const other = yield* probe(
        "tcp",
        JSON.stringify({ address, send: "PONG\r\n", expect: "^\\+PONG", timeout: "1s" })
      )
      const silent = yield* probe("tcp", JSON.stringify({ address, timeout: "200ms" }))

      assert.isTrue(asked.available, asked.message)
      assert.isFalse(other.available)
      assert.deepInclude(silent.document, {
        error:
          `TCP check of ${address} failed: timed out after 200ms (from the request to the first byte of the answer)`
      })
    }).pipe(Effect.scoped))

  it.live("says why what was said will not do", () =>
    Effect.gen(function*() {
      const closing = yield* server((socket) => socket.end("500 no\r\n"))
      const flooding = yield* server((socket) => {
        const flood = () => {
          while (socket.write("x".repeat(65_536)));
        }
        socket.on("drain", flood)
        flood()
      })

      const closed = yield* probe("tcp", JSON.stringify({ address: closing, expect: "^220" }), limit)
      const flooded = yield* probe("tcp", JSON.stringify({ address: flooding, expect: "^220", bytesMax: 1_000 }), limit)

      assert.include(
        closed.message,
        "what the server said does not match \\\"^220\\\", and the peer closed the connection"
      )
      assert.include(flooded.message, "does not match \\\"^220\\\" in its first 1000 bytes")
      assert.strictEqual(flooded.document["bytes"], 1_000)
    }).pipe(Effect.scoped))

  it.live("survives an expression that takes for ever on what the server says", () =>
    Effect.gen(function*() {
      const address = yield* server((socket) => socket.end(`${"a".repeat(40)}!`))

      const linear = yield* probe("tcp", JSON.stringify({ address, expect: "^(a+)+$" }), limit)
      const backwards = yield* probe("tcp", JSON.stringify({ address, expect: "^((a+)\\2?)+$" }), limit)

      assert.include(linear.message, "does not match")
      assert.match(backwards.message, /took longer than 500ms|does not match/)
    }).pipe(Effect.scoped))

  it.live("keeps to itself what is sent, also where it refuses the target", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        probe("tcp", JSON.stringify({ address: "nowhere", send: "AUTH secret", sent: "secret" }))
      )

      assert.notInclude(error.message, "secret")
      assert.include(error.message, "address: expected host:port")
      assert.include(error.message, "sent: no such key")
    }))
})
