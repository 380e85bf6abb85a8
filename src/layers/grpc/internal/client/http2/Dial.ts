/**
 * One attempt to connect: TCP, TLS where there is one, and HTTP/2 as far as the peer's SETTINGS, which every server sends
 * at once. All of it together has one limit.
 */
import * as http2 from "node:http2"
import * as net from "node:net"
import { setImmediate } from "node:timers"
import * as tls from "node:tls"
import { later } from "../../../../sockets/Timer.ts"
import type { SocketSecurity } from "../../../GrpcCredentials.ts"
import type { Endpoint } from "./Endpoint.ts"

export interface DialOptions {
  readonly endpoint: Endpoint
  /** Plain text when undefined. */
  readonly security: SocketSecurity | undefined
  readonly timeoutMillis: number
}

export type Dialled = { readonly session: http2.ClientHttp2Session } | { readonly reason: string }

/** Of each of several addresses of a name but the last. */
const addressMillisMax = 1_000

/** An answer may be as large as the channel takes it; Node's limit is on all that a connection holds. */
const sessionMegabytesMax = 64

const messageOf = (cause: unknown): string => {
  if (cause instanceof AggregateError && cause.message === "") {
    return cause.errors.map((one) => messageOf(one)).join(", ")
  }
  return cause instanceof Error ? cause.message : String(cause)
}

class Attempt {
  readonly #options: DialOptions
  readonly #done: (dialled: Dialled) => void
  readonly #raw: net.Socket
  readonly #cancelLimit: () => void
  #session: http2.ClientHttp2Session | undefined
  #stage: "tcp" | "tls" | "http2" = "tcp"
  #isOver = false

  constructor(options: DialOptions, done: (dialled: Dialled) => void) {
    this.#options = options
    this.#done = done
    this.#raw = net.connect({
      ...options.endpoint,
      noDelay: true,
      autoSelectFamilyAttemptTimeout: addressMillisMax
    })
    this.#raw.unref()
    this.#raw.on("error", (cause) => this.#fail(cause))
    // TLS may have more to say of it.
    this.#raw.once("close", () => setImmediate(() => this.#fail("the peer closed the connection")))
    this.#raw.once("connect", () => this.#secure())
    const { timeoutMillis } = options
    this.#cancelLimit = later(timeoutMillis, () => {
      const missing = { tcp: "no TCP connection", tls: "no end of the TLS handshake", http2: "no HTTP/2 SETTINGS" }
      this.#fail(`${missing[this.#stage]} within ${timeoutMillis} ms`)
    })
  }

  readonly cancel = (): void => this.#fail("given up")

  #secure(): void {
    const { security } = this.#options
    if (security === undefined) return this.#speak(this.#raw)
    this.#stage = "tls"
    try {
      const socket = tls.connect({ ...security.present(), socket: this.#raw, ALPNProtocols: ["h2"] })
      socket.on("error", (cause) => this.#fail(cause))
      socket.once("secureConnect", () => {
        security.told({ certificate: socket.getPeerCertificate() })
        this.#speak(socket)
      })
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #speak(socket: net.Socket): void {
    this.#stage = "http2"
    // Every call says for itself whom it is for.
    const session = http2.connect("http://localhost", {
      createConnection: () => socket,
      settings: { enablePush: false },
      maxSessionMemory: sessionMegabytesMax
    })
    this.#session = session
    session.on("error", (cause) => this.#fail(cause))
    session.once("close", () => this.#fail("the peer closed the connection"))
    session.once("goaway", (code) => this.#fail(`the peer sent GOAWAY with code ${code}`))
    session.once("remoteSettings", () => this.#succeed(session))
  }

  #succeed(session: http2.ClientHttp2Session): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelLimit()
    this.#done({ session })
  }

  #fail(cause: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelLimit()
    if (this.#stage === "tls") this.#options.security?.told({ cause })
    this.#session?.destroy()
    this.#raw.destroy()
    this.#done({ reason: messageOf(cause) })
  }
}

/** Answers how to give up; then, as when it fails, `done` is told why. */
export const dial = (options: DialOptions, done: (dialled: Dialled) => void): () => void =>
  new Attempt(options, done).cancel
