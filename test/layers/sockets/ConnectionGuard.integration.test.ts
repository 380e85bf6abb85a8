import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as http from "node:http"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as ConnectionGuard from "../../../src/layers/sockets/ConnectionGuard.ts"
import * as FileLimit from "../../../src/layers/sockets/FileLimit.ts"
import * as Program from "../../support/Program.ts"

const listen = (server: net.Server, options: Omit<ConnectionGuard.ConnectionGuardOptions, "name" | "share">) =>
  Effect.gen(function*() {
    yield* ConnectionGuard.guard(server, { name: "test", share: 0.5, ...options })
    return yield* Effect.acquireRelease(
      Effect.callback<number>((resume) => {
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
        })
      }),
      () => Effect.sync(() => server.close())
    )
  })

interface Client {
  readonly socket: net.Socket
  readonly isClosed: () => boolean
}

const connect = (port: number, say = "") =>
  Effect.acquireRelease(
    Effect.callback<Client>((resume) => {
      let isClosed = false
      const socket = net.connect({ port, host: "127.0.0.1" }, () => {
        if (say !== "") socket.write(say)
        resume(Effect.succeed({ socket, isClosed: () => isClosed }))
      })
      socket.resume()
      socket.on("error", () => undefined)
      socket.once("close", () => {
        isClosed = true
      })
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const closed = (client: Client) =>
  Program.eventually("closed", Effect.sync(() => client.isClosed() ? Option.some(true) : Option.none()), {
    within: "5 seconds"
  })

const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

const httpServer = () =>
  http.createServer((_, response) => {
    response.write("first part")
  })

/** As the gRPC server has it: connections are handed to a server that does not listen itself. */
const http2Server = () => {
  const inner = http2.createServer()
  return net.createServer((socket) => {
    inner.emit("connection", socket)
  })
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"

describe("ConnectionGuard", () => {
  it.live.each([
    { name: "HTTP", make: httpServer, say: request },
    { name: "HTTP/2", make: http2Server, say: preface }
  ])("closes what sends nothing, and leaves what has spoken: $name", ({ make, say }) =>
    Effect.gen(function*() {
      const port = yield* listen(make(), { silentAfter: "300 millis" })
      const speaking = yield* connect(port, say)
      const silent = yield* connect(port)

      yield* closed(silent)

      assert.isFalse(speaking.isClosed())
    }).pipe(Effect.scoped))

  it.live("makes room by closing what has been silent the longest", () =>
    Effect.gen(function*() {
      const port = yield* listen(httpServer(), { silentAfter: "1 minute", connectionsMax: 2 })
      const first = yield* connect(port)
      const second = yield* connect(port)

      const third = yield* connect(port, request)
      yield* closed(first)

      assert.isFalse(second.isClosed())
      assert.isFalse(third.isClosed())
    }).pipe(Effect.scoped))

  it.live("turns away the one too many when all have spoken", () =>
    Effect.gen(function*() {
      const port = yield* listen(httpServer(), { connectionsMax: 1 })
      const first = yield* connect(port, request)
      yield* Effect.callback<void>((resume) => {
        first.socket.once("data", () => resume(Effect.void))
      })

      const second = yield* connect(port, request)
      yield* closed(second)

      assert.isFalse(first.isClosed())
    }).pipe(Effect.scoped))

  it("leaves descriptors for everything else", () => {
    assert.strictEqual(FileLimit.connectionsMaxOf(0.7, 256), 89)
    assert.strictEqual(FileLimit.connectionsMaxOf(0.7, 1_024), 627)
    assert.strictEqual(FileLimit.connectionsMaxOf(0.7, Number.POSITIVE_INFINITY), 16_384)
    assert.strictEqual(FileLimit.connectionsMaxOf(0.2, 16), 8)
  })
})
