/**
 * The connection that a request is made on: to the server itself or to a proxy, with TLS where the URL wants it.
 *
 * Through a proxy an https URL is reached by CONNECT. The proxy resolves the names of its targets; the agent's rules for
 * targets hold for the proxy's own address, for a target that is an address, and for the name of any other.
 */
import { Effect, Result, Schema } from "effect"
import * as net from "node:net"
import type { HttpTarget } from "../../../domain/monitoring/checks/HttpTarget.ts"
import { StepFailed, type Stopwatch } from "../CheckSteps.ts"
import type { NameLookup } from "../NameLookup.ts"
import * as Connection from "../net/Connection.ts"
import * as Conversation from "../net/Conversation.ts"
import * as Handshake from "../tls/Handshake.ts"

export class HttpExchangeError extends Schema.TaggedError<HttpExchangeError>()("HttpExchangeError", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.url}: ${this.reason}`
  }
}

export interface ConnectionOptions {
  readonly target: HttpTarget
  readonly url: URL
  readonly ca: string | undefined
  readonly names: NameLookup
  readonly watch: Stopwatch
}

/** The host of a URL as sockets want it. */
export const hostOf = (url: URL): string => url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname

export const portOf = (url: URL): number => Number(url.port) || (url.protocol === "https:" ? 443 : 80)

/** As `user:password`; undefined where a URL has none. */
export const credentialsOf = ({ password, username }: URL): string | undefined => {
  const plain = (text: string) => Result.getOrElse(Result.try(() => decodeURIComponent(text)), () => text)
  return username === "" && password === "" ? undefined : `${plain(username)}:${plain(password)}`
}

/** What a proxy wants to know of who asks. */
export const proxyHeaders = (proxy: URL): Readonly<Record<string, string>> => {
  const credentials = credentialsOf(proxy)
  return credentials === undefined
    ? {}
    : { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` }
}

const protocols = { "1.1": ["http/1.1"], "2": ["h2"], auto: ["h2", "http/1.1"] } as const

const answerBytesMax = 16 * 1_024
const statusLine = /^HTTP\/1\.[01] (\d{3})/

/** What the proxy says comes before anything of the server, and all of it is read before the handshake. */
const tunnel = Effect.fnUntraced(function*(proxy: URL, url: URL, socket: net.Socket) {
  const failed = (reason: string) => new StepFailed({ reason: `the proxy: ${reason}` })
  const talk = yield* Conversation.make(socket)
  const authority = `${url.hostname}:${portOf(url)}`
  const headers = Object.entries({ host: authority, ...proxyHeaders(proxy) })
  const lines = [`CONNECT ${authority} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), "", ""]
  yield* talk.send(lines.join("\r\n"))
  for (let known = 0;;) {
    const said: Buffer = yield* Effect.mapError(talk.more(known), ({ reason }) => failed(reason))
    const end = said.indexOf("\r\n\r\n")
    if (end === -1 && said.length <= answerBytesMax) {
      known = said.length
      continue
    }
    const status = statusLine.exec(said.toString("latin1"))?.[1]
    if (end === -1 || status === undefined) return yield* failed("its answer to CONNECT is not HTTP")
    if (!status.startsWith("2")) return yield* failed(`answered CONNECT with status ${status}`)
    if (said.length > end + 4) return yield* failed("says more than that the connection is open")
    talk.release()
    return socket
  }
})

/** To the proxy where there is one; what follows is said to the server, with TLS where there is some. */
export const open = Effect.fnUntraced(function*({ ca, names, target, url, watch }: ConnectionOptions) {
  const host = hostOf(url)
  const proxy = target.proxy === undefined ? undefined : new URL(target.proxy)
  const toServer = { host, port: portOf(url) }
  if (proxy !== undefined) {
    const judged = net.isIP(host) > 0 ? names.resolve(host) : names.passOn(host)
    yield* Effect.mapError(judged, ({ reason }) => new StepFailed({ reason }))
  }
  const { address, socket: first } = yield* Connection.open(
    names,
    proxy === undefined ? toServer : { host: hostOf(proxy), port: portOf(proxy) },
    watch
  )
  if (url.protocol !== "https:") return { address, socket: first, isHttp2: target.httpVersion === "2" }
  const plain = proxy === undefined ? first : yield* watch.step("proxy", tunnel(proxy, url, first))
  const { distrust, socket } = yield* watch.step(
    "tls",
    Handshake.make(plain, { host, ca, alpn: protocols[target.httpVersion] })
  )
  if (distrust !== undefined && !target.insecureSkipVerify) return yield* new StepFailed({ reason: distrust })
  const isHttp2 = socket.alpnProtocol === "h2"
  if (target.httpVersion === "2" && !isHttp2) {
    return yield* new StepFailed({ reason: "the server does not speak HTTP/2" })
  }
  return { address, socket, isHttp2 }
}, (effect, { url }) => Effect.mapError(effect, ({ reason }) => new HttpExchangeError({ url: url.href, reason })))
