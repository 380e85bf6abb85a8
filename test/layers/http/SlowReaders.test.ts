import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as net from "node:net"
import * as SlowReaders from "../../../src/layers/http/SlowReaders.ts"

const after = Duration.millis(300)
/** More than the system takes over for a peer that does not read. */
const much = Buffer.alloc(32 * 2 ** 20)

/** Answers `/much` with more than fits anywhere, and everything else with a byte and nothing after it. */
const serving = Effect.gen(function*() {
  const server = http.createServer(({ url }, response) => {
    if (url === "/much") response.end(much)
    else response.write("x")
  })
  yield* SlowReaders.cutOff(server, after)
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  // boundary: a TCP server has an address with a port.
  const { port } = server.address() as AddressInfo
  const connections = Effect.callback<number>((resume) => {
    server.getConnections((_, count) => resume(Effect.succeed(count)))
  })
  return { connections, port }
})

const asking = (port: number, path: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Socket>((resume) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
        resume(Effect.succeed(socket))
      })
      socket.on("error", () => {})
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

describe("Slow readers", () => {
  it.live("are cut off, while those who wait for more are not", () =>
    Effect.gen(function*() {
      const { connections, port } = yield* serving
      const waiting = yield* asking(port, "/little")
      waiting.resume()
      const slow = yield* asking(port, "/much")
      slow.pause()
      const until = (count: number) =>
        connections.pipe(
          Effect.repeat({ until: (now) => now === count, schedule: Schedule.spaced("10 millis") }),
          Effect.timeout("10 seconds")
        )
      yield* until(2)

      yield* until(1)
      assert.isFalse(waiting.destroyed)
    }))

  it.live("are those who do not read at all, not those who take their time", () =>
    Effect.gen(function*() {
      const { port } = yield* serving
      const taking = yield* asking(port, "/much")
      let read = 0
      taking.on("data", (chunk: Buffer) => {
        read += chunk.length
        taking.pause()
        setTimeout(() => taking.resume(), chunk.length / 50_000)
      })

      while (read < much.length && !taking.destroyed) yield* Effect.sleep("20 millis")
      assert.isAtLeast(read, much.length)
    }), 20_000)
})
