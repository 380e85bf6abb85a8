/**
 * One attempt to connect: TCP, TLS where there is one, and HTTP/2 as far as the peer's SETTINGS, which every server sends
 * at once. All of it together has one limit.
 */
import * as net from "node:net"
import { setImmediate } from "node:timers"
import * as tls from "node:tls"
import { later } from "../../../../sockets/Timer.ts"
import type { SocketSecurity } from "../../../GrpcCredentials.ts"
import type { Endpoint } from "./Endpoint.ts"
import { Session } from "./wire/Session.ts"

export interface DialOptions {
  readonly endpoint: Endpoint
  /** Plain text when undefined. */
  readonly security: SocketSecurity | undefined
  readonly timeoutMillis: number
}

export type Dialled = { readonly session: Session } | { readonly reason: string }

/** Of each of several addresses of a name but the last. */
const addressMillisMax = 1_000

/** What a socket reads is read on before the next one does, so that one place is enough for all. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1_024)

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
  #session: Session | undefined
  #stage: "tcp" | "tls" | "http2" = "tcp"
  #isOver = false

  constructor(options: DialOptions, done: (dialled: Dialled) => void) {
    this.#options = options
    this.#done = done
    this.#raw = net.connect({
      ...options.endpoint,
      noDelay: true,
      autoSelectFamilyAttemptTimeout: addressMillisMax,
      ...(options.security === undefined
        ? {
          onread: {
            buffer: readBuffer,
            callback: (bytes: number) => {
              this.#session?.receive(readBuffer.subarray(0, bytes))
              return true
            }
          }
        }
        : {})
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
    const session = new Session(socket)
    this.#session = session
    session.watcher = {
      ready: () => this.#succeed(session),
      goaway: (code) => this.#fail(`the peer sent GOAWAY with code ${code}`),
      ended: (cause) => this.#fail(cause ?? "the peer closed the connection")
    }
  }

  #succeed(session: Session): void {
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
