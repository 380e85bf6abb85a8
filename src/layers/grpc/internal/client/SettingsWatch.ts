/**
 * Gives up a connection on which the peer says nothing: neither its part of TLS nor HTTP/2's SETTINGS, which every
 * server sends at once. Without it grpc-js waits for ever, and the peer that later has the address is never found.
 */
import * as grpc from "@grpc/grpc-js"
import type * as net from "node:net"
import { later } from "../Timer.ts"

type Connector = ReturnType<grpc.ChannelCredentials["_createSecureConnector"]>

const watched = (inner: Connector, timeoutMillis: number): Connector => ({
  connect: async (raw) => {
    let heard: net.Socket = raw
    let isTls = true
    const cancel = later(timeoutMillis, () => {
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
  waitForReady: () => inner.waitForReady(),
  getCallCredentials: () => inner.getCallCredentials(),
  destroy: () => inner.destroy()
})

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
    return watched(this.#inner._createSecureConnector(...given), this.#timeoutMillis)
  }
}
