import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as net from "node:net"
import * as PortSharing from "../../../src/layers/sockets/PortSharing.ts"

const listen = (options: net.ListenOptions) =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer().listen(options, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  )

const portOf = (server: net.Server) => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const host = "127.0.0.1"

describe("A port that two processes may share", () => {
  it.live("is shared with the one that replaces, and with nobody by mistake", () =>
    Effect.gen(function*() {
      const first = yield* listen(yield* PortSharing.listenOptions({ host, port: 0 }, "alone"))
      const port = portOf(first)
      const byMistake = yield* Effect.result(PortSharing.listenOptions({ host, port }, "alone"))
      const successor = yield* listen(yield* PortSharing.listenOptions({ host, port }, "beside"))

      assert.isTrue(Result.isFailure(byMistake) && byMistake.failure.code === "EADDRINUSE")
      assert.strictEqual(portOf(successor), port)
    }).pipe(Effect.scoped))

  it.live("is nobody else's when nothing is said", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* PortSharing.listenOptions({ host, port: 1 }, undefined), { host, port: 1 })
    }))
})
