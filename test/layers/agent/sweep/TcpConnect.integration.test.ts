/** Connections of a sweep to this machine's loopback, by handles of Node's inside and by its sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as net from "node:net"
import * as TcpConnect from "../../../../src/layers/agent/sweep/TcpConnect.ts"
import { freePort } from "../../../support/Program.ts"

/** Says how the connections to it ended. */
const listener = (host: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly ends: Array<string>; readonly server: net.Server }>((resume) => {
      const ends: Array<string> = []
      const server = net.createServer((socket) => {
        socket.on("error", (error: NodeJS.ErrnoException) => ends.push(error.code ?? ""))
        socket.on("end", () => ends.push("end"))
        socket.resume()
      })
      server.listen({ port: 0, host }, () => {
        const address = server.address()
        resume(Effect.succeed({ port: typeof address === "object" ? address?.port ?? 0 : 0, ends, server }))
      })
    }),
    ({ server }) => Effect.sync(() => void server.close())
  )

const optionsOf = (ports: ReadonlyArray<number>) => ({
  ports,
  probes: 1,
  usesIcmp: false,
  timeout: Duration.millis(300),
  concurrency: 100,
  ratePerSecond: 0,
  icmpRatePerSecond: 0,
  threads: 1
})

describe.each([["handles", false], ["sockets", true]])("TcpConnect by %s", (_, usesSockets) => {
  it.live("finds open and closed ports of both families, and resets what it has opened", () =>
    Effect.gen(function*() {
      const four = yield* listener("127.0.0.1")
      const six = yield* listener("::1")
      const closed = yield* freePort
      const { scan } = yield* TcpConnect.open(optionsOf([four.port, six.port, closed]), usesSockets)

      const found = yield* scan(["127.0.0.1", "::1", "127.0.0.2"])

      const places = found.open.map(([host, port]) => `${host} ${port}`).toSorted()
      assert.deepStrictEqual(places, [`0 ${four.port}`, `1 ${six.port}`].toSorted())
      assert.isTrue(found.open.every(([, , nanos]) => nanos > 0))
      assert.deepInclude(found, { refused: 7, silent: 0, unreachable: 0 })
      assert.notInclude([...four.ends, ...six.ends], "end")
    }).pipe(Effect.scoped))

  it.live("tells what the system says cannot be reached", () =>
    Effect.gen(function*() {
      const { scan } = yield* TcpConnect.open(optionsOf([9]), usesSockets)

      // Everybody's address is no host's.
      const found = yield* scan(["255.255.255.255"])

      assert.deepStrictEqual(found, { open: [], refused: 0, silent: 0, unreachable: 1 })
    }).pipe(Effect.scoped))
})
