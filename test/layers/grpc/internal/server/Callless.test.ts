/** Connections on which nothing was ever called: the oldest go, those of who calls stay. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as Callless from "../../../../../src/layers/grpc/internal/server/Callless.ts"
import * as Program from "../../../../support/Program.ts"

const served = (limits: Callless.CalllessLimits) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: http2.Http2Server; readonly port: number; readonly told: Array<string> }>(
      (resume) => {
        const told: Array<string> = []
        const callless = new Callless.Callless(limits, (peer) => void told.push(peer))
        const server = http2.createServer()
        server.on("session", (session) => {
          session.on("error", () => {})
          callless.add(session)
        })
        server.on("stream", (stream) => stream.respond({ ":status": 200 }, { endStream: true }))
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(Effect.succeed({
            server,
            told,
            port: typeof address === "object" && address !== null ? address.port : 0
          }))
        })
      }
    ),
    ({ server }) => Effect.sync(() => server.close())
  )

/** Has come to terms: the server's settings are here. */
const connected = (port: number, localAddress = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.callback<http2.ClientHttp2Session>((resume) => {
      const session = http2.connect(`http://127.0.0.1:${port}`, {
        createConnection: () => net.connect({ port, host: "127.0.0.1", localAddress })
      })
      session.on("error", () => {})
      session.once("remoteSettings", () => resume(Effect.succeed(session)))
    }),
    (session) => Effect.sync(() => session.destroy())
  )

const called = (session: http2.ClientHttp2Session) =>
  Effect.callback<void>((resume) => {
    const stream = session.request({ ":path": "/" })
    stream.on("error", () => {}).resume().once("close", () => resume(Effect.void)).end()
  })

const isClosed = ({ closed, destroyed }: http2.ClientHttp2Session): boolean => closed || destroyed

const closed = (session: http2.ClientHttp2Session) =>
  Program.eventually("closed", Effect.sync(() => Option.liftPredicate(session, isClosed)), {
    within: "5 seconds"
  })

const areOpen = (sessions: ReadonlyArray<http2.ClientHttp2Session>) => sessions.map((session) => !isClosed(session))

describe("Connections without calls", () => {
  it.live("are a few of one address, of which the oldest goes for each one more; who has called stays", () =>
    Effect.gen(function*() {
      const { port, told } = yield* served({ perPeerMax: 2, max: 100 })
      const caller = yield* connected(port)
      yield* called(caller)
      const other = yield* connected(port, "127.0.0.2")
      const [first, second, third] = [yield* connected(port), yield* connected(port), yield* connected(port)]
      yield* closed(first)
      const fourth = yield* connected(port)
      yield* closed(second)

      assert.deepStrictEqual(areOpen([caller, other, third, fourth]), [true, true, true, true])
      assert.deepStrictEqual(told, ["127.0.0.1", "127.0.0.1"])

      // One that goes by itself makes room, and so does one that calls.
      third.destroy()
      yield* called(fourth)
      const more = [yield* connected(port), yield* connected(port)]
      yield* called(caller)
      assert.deepStrictEqual(areOpen([caller, other, fourth, ...more]), [true, true, true, true, true])
    }))

  it.live("are so many in all, whatever their addresses", () =>
    Effect.gen(function*() {
      const { port } = yield* served({ perPeerMax: 2, max: 3 })
      const sessions = yield* Effect.forEach(["2", "3", "4"], (last) => connected(port, `127.0.0.${last}`))
      const newest = yield* connected(port, "127.0.0.5")
      const [oldest, ...rest] = sessions
      assert.isDefined(oldest)
      if (oldest !== undefined) yield* closed(oldest)

      assert.deepStrictEqual(areOpen([...rest, newest]), [true, true, true])
    }))
})
