/**
 * Gives up a connection that does not come about, or on which the peer says nothing: neither its part of TLS nor HTTP/2's
 * SETTINGS, which every server sends at once. Without it grpc-js waits for ever, and the peer that later has the address
 * is never found. All of it together has one limit.
 */
import * as grpc from "@grpc/grpc-js"
import type * as net from "node:net"
import { later } from "../../../sockets/Timer.ts"
import * as ConnectWatch from "./ConnectWatch.ts"

type Connector = ReturnType<grpc.ChannelCredentials["_createSecureConnector"]>

/** One connector dials one connection after the other, so it knows when the present one began. */
const watched = (inner: Connector, timeoutMillis: number, port: number | undefined): Connector => {
  let beganMillis = performance.now()
  return {
    connect: async (raw) => {
      let heard: net.Socket = raw
      let isTls = true
      const leftMillis = Math.max(1, timeoutMillis - (performance.now() - beganMillis))
      const cancel = later(leftMillis, () => {
        // Of TLS only what it carries counts: a server sends tickets of its own accord.
        if (isTls || heard.bytesRead === before) {
          heard.destroy(new Error(`the peer sent no HTTP/2 SETTINGS within ${timeoutMillis} ms`))
        }
      })
      raw.once("close", cancel)
      // A proxy has been read from this socket before.
      let before = raw.bytesRead
      const result = await inner.connect(raw)
      isTls = false
      heard = result.socket
      before = result.socket.bytesRead
      return result
    },
    waitForReady: async () => {
      await inner.waitForReady()
      beganMillis = performance.now()
      if (port !== undefined && timeoutMillis !== Infinity) ConnectWatch.limit({ port, timeoutMillis })
    },
    getCallCredentials: () => inner.getCallCredentials(),
    destroy: () => inner.destroy()
  }
}

/** The same credentials, with a limit on how long connecting may take. */
export class WatchedCredentials extends grpc.ChannelCredentials {
  readonly #inner: grpc.ChannelCredentials
  readonly #timeoutMillis: number

  constructor(inner: grpc.ChannelCredentials, timeoutMillis: number) {
    super()
    this.#inner = inner
    this.#timeoutMillis = timeoutMillis
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure()
  }

  override _equals(other: grpc.ChannelCredentials): boolean {
    return other === this
  }

  override _createSecureConnector(
    ...given: Parameters<grpc.ChannelCredentials["_createSecureConnector"]>
  ): Connector {
    const [target] = given
    const port = ConnectWatch.portOf(target.path)
    return watched(this.#inner._createSecureConnector(...given), this.#timeoutMillis, port)
  }
}
