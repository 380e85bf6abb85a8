import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as net from "node:net"
import * as tls from "node:tls"
import * as Alpn from "../../../src/layers/sockets/Alpn.ts"
import { authority } from "../../support/authority.ts"

const ca = authority()

/** What a server knows of a connection when it is there. */
interface Seen {
  readonly isAuthorized: boolean
  readonly protocol: string | false | null
  /** Whether Node asks the connection itself for the certificate, and not us. */
  readonly isAskedOfNode: boolean
}

const served = Effect.acquireRelease(
  Effect.callback<{ readonly server: tls.Server; readonly port: number; readonly seen: Array<Seen> }>((resume) => {
    const seen: Array<Seen> = []
    const options = { ...ca.issue(), ca: ca.root, requestCert: true, rejectUnauthorized: false }
    const server = tls.createServer({ ...options, ALPNCallback: Alpn.choose(["h2", "http/1.1"]) }, (socket) => {
      const handle: unknown = Reflect.get(socket, "_handle")
      seen.push({
        isAuthorized: socket.authorized,
        protocol: socket.alpnProtocol,
        isAskedOfNode: typeof handle === "object" && handle !== null && !Object.hasOwn(handle, "getPeerX509Certificate")
      })
      socket.on("error", () => {}).end()
    })
    server.on("tlsClientError", () => {})
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ server, port, seen }))
    })
  }),
  ({ server }) => Effect.sync(() => server.close())
)

/** Whether the connection came about. */
const connect = (port: number, options: tls.ConnectionOptions) =>
  Effect.callback<boolean>((resume) => {
    const plain = net.connect(port, "127.0.0.1")
    const socket = tls.connect({ socket: plain, servername: "localhost", ca: ca.root, ...options })
    let isSecure = false
    socket.once("secureConnect", () => {
      isSecure = true
    })
    socket.on("error", () => {}).resume().once("close", () => resume(Effect.succeed(isSecure)))
  })

describe("Alpn", () => {
  it.live("chooses in the server's order, knows who has shown a certificate, and lets Node make no handle of it", () =>
    Effect.gen(function*() {
      const { port, seen } = yield* served
      const own = ca.issue({ commonName: "poller.serviceradar" })
      const stranger = authority("Other").issue()
      assert.isTrue(yield* connect(port, { ...own, ALPNProtocols: ["http/1.1", "h2"] }))
      assert.isTrue(yield* connect(port, { ALPNProtocols: ["http/1.1"] }))
      assert.isTrue(yield* connect(port, { ...stranger, ALPNProtocols: ["h2"] }))

      assert.deepStrictEqual(seen, [
        { isAuthorized: true, protocol: "h2", isAskedOfNode: false },
        { isAuthorized: false, protocol: "http/1.1", isAskedOfNode: false },
        { isAuthorized: false, protocol: "h2", isAskedOfNode: false }
      ])
      assert.isFalse(yield* connect(port, { ...own, ALPNProtocols: ["spdy/3"] }))
      assert.strictEqual(seen.length, 3)
    }))
})
