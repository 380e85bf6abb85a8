import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as net from "node:net"
import * as RequestTurns from "../../../src/layers/http/RequestTurns.ts"

const many = 300

/** Answers everybody, and notes from which address each request that began was. */
const serving = Effect.gen(function*() {
  const begun: Array<string> = []
  const answer: http.RequestListener = ({ socket }, response) => {
    begun.push(socket.remoteAddress ?? "")
    response.end()
  }
  const server = yield* Effect.acquireRelease(
    Effect.callback<http.Server>((resume) => {
      const server = http.createServer(answer).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  // boundary: a TCP server has an address with a port.
  const { port } = server.address() as AddressInfo
  return { answer, begun, port, server }
})

/** A connection from this address. */
const connected = (port: number, localAddress: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Socket>((resume) => {
      const socket = net.connect({ port, host: "127.0.0.1", localAddress }, () => resume(Effect.succeed(socket)))
      socket.on("error", () => {})
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const answersOn = (socket: net.Socket, count: number) =>
  Effect.callback<void>((resume) => {
    let text = ""
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1")
      if (text.split("HTTP/1.1 200").length > count) resume(Effect.void)
    })
  })

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

describe("Requests", () => {
  it.live("of one address that come by the hundred leave room for those of another, and are all answered", () =>
    Effect.gen(function*() {
      const { begun, port, server } = yield* serving
      yield* RequestTurns.take(server)
      const [greedy, modest] = yield* Effect.all([connected(port, "127.0.0.2"), connected(port, "127.0.0.3")])

      greedy.write(request.repeat(many))
      modest.write(request)
      yield* Effect.all([answersOn(greedy, many), answersOn(modest, 1)], { concurrency: 2 })

      assert.strictEqual(begun.length, many + 1)
      assert.isBelow(begun.indexOf("127.0.0.3"), many / 2)
    }))

  it.live("are handed out as before when the scope has closed", () =>
    Effect.gen(function*() {
      const { answer, port, server } = yield* serving
      yield* Effect.scoped(RequestTurns.take(server))

      assert.deepStrictEqual(server.listeners("request"), [answer])
      const socket = yield* connected(port, "127.0.0.2")
      socket.write(request)
      yield* answersOn(socket, 1)
    }))
})
