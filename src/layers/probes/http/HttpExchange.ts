/**
 * One HTTP request and its answer on a connection of its own.
 *
 * Not `fetch`, because the certificate is wanted and no pool may hide how long connecting takes. The body is read as far
 * as somebody wants it; the rest is not waited for.
 */
import { Effect, Result, Schema, type Scope, Stream } from "effect"
import * as http from "node:http"
import type * as net from "node:net"
import * as tls from "node:tls"
import type { HttpTarget } from "../../../domain/monitoring/checks/HttpTarget.ts"
import type { Stopwatch } from "../CheckSteps.ts"
import type { NameLookup } from "../NameLookup.ts"
import * as Connection from "../net/Connection.ts"
import * as Reason from "../Reason.ts"
import * as CertificateChain from "../tls/CertificateChain.ts"
import * as Handshake from "../tls/Handshake.ts"
import * as BodyText from "./BodyText.ts"

export class HttpExchangeError extends Schema.TaggedError<HttpExchangeError>()("HttpExchangeError", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.url}: ${this.reason}`
  }
}

export interface HttpExchange {
  readonly statusCode: number
  readonly location: string | undefined
  /** Empty of a connection without TLS. */
  readonly chain: ReadonlyArray<CertificateChain.Certificate>
  /** Such as `TLSv1.3`; undefined without TLS. */
  readonly tlsVersion: string | undefined
  /** Of the server. */
  readonly address: string
  /** To be read once, within the scope. */
  readonly body: Stream.Stream<string, BodyText.BodyError>
}

/** Of all headers of an answer together, with their names. */
const headerBytesMax = 68 * 1_024

export interface ExchangeOptions {
  readonly target: HttpTarget
  readonly method: string
  readonly url: URL
  readonly ca: string | undefined
  readonly names: NameLookup
  readonly watch: Stopwatch
  /** Headers with credentials must not follow a redirect to another origin. */
  readonly withHeaders: boolean
}

/** The host of a URL as sockets want it. */
const hostOf = (url: URL): string => url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname

const portOf = (url: URL): number => Number(url.port) || (url.protocol === "https:" ? 443 : 80)

const connected = Effect.fnUntraced(function*({ ca, names, target, url, watch }: ExchangeOptions) {
  const host = hostOf(url)
  const { address, socket: plain } = yield* Connection.open(names, { host, port: portOf(url) }, watch)
  if (url.protocol !== "https:") return { address, socket: plain }
  const { distrust, socket } = yield* watch.step("tls", Handshake.make(plain, { host, ca, alpn: ["http/1.1"] }))
  if (distrust !== undefined && !target.insecureSkipVerify) {
    return yield* new HttpExchangeError({ url: url.href, reason: distrust })
  }
  return { address, socket }
}, (effect, { url }) => Effect.mapError(effect, ({ reason }) => new HttpExchangeError({ url: url.href, reason })))

/** Node hands headers over byte by byte; what servers put into them is UTF-8, or else latin1. */
const textOf = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined
  const bytes = Buffer.from(header, "latin1")
  const text = bytes.toString("utf8")
  return Buffer.from(text, "utf8").equals(bytes) ? text : header
}

/** The answer is there with its headers; whatever follows comes with the body. */
export const exchange = (options: ExchangeOptions): Effect.Effect<HttpExchange, HttpExchangeError, Scope.Scope> =>
  Effect.flatMap(
    connected(options),
    ({ address, socket }) =>
      Effect.map(options.watch.step("first_byte", send(options, socket)), (response) => ({
        statusCode: response.statusCode ?? 0,
        location: textOf(response.headers.location),
        chain: CertificateChain.of(socket),
        tlsVersion: socket instanceof tls.TLSSocket ? socket.getProtocol() ?? undefined : undefined,
        address,
        body: response.statusCode === 101 ? Stream.empty : BodyText.read(response)
      }))
  )

const send = (
  { method, target, url, withHeaders }: ExchangeOptions,
  socket: net.Socket
): Effect.Effect<http.IncomingMessage, HttpExchangeError> =>
  Effect.callback((resume) => {
    const fail = (error: unknown) =>
      resume(Effect.fail(new HttpExchangeError({ url: url.href, reason: Reason.describe(error) })))
    // Throws where a header has a character that may not be sent.
    const made = Result.try(() =>
      http.request({
        createConnection: () => socket,
        protocol: "http:",
        hostname: url.hostname,
        port: portOf(url),
        defaultPort: url.protocol === "https:" ? 443 : 80,
        path: `${url.pathname}${url.search}`,
        method,
        maxHeaderSize: headerBytesMax,
        // Lines that end in a line feed alone, as small devices write them, and what else is not quite HTTP (RFC 9112, 2.2).
        // The danger is for those who pass messages on; here somebody asks whether it works.
        insecureHTTPParser: true,
        ...(url.username === "" && url.password === "" ? {} : { auth: credentialsOf(url) }),
        headers: { "user-agent": "serviceradar-agent", accept: "*/*", ...(withHeaders ? target.headers : {}) }
      })
    )
    if (Result.isFailure(made)) return fail(made.failure)
    const request = made.success
    request.on("error", fail)
    request.on("response", (response) => {
      // Stays: an error that comes when nobody reads must not be unhandled.
      response.on("error", () => {})
      resume(Effect.succeed(response))
    })
    // 101: what follows is no HTTP.
    request.on("upgrade", (response) => resume(Effect.succeed(response)))
    request.end(method === target.method && (method === "POST" || method === "PUT") ? target.body : undefined)
    return Effect.sync(() => request.destroy())
  })

const credentialsOf = ({ password, username }: URL): string => {
  const plain = (text: string) => Result.getOrElse(Result.try(() => decodeURIComponent(text)), () => text)
  return `${plain(username)}:${plain(password)}`
}
