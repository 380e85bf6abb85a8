/**
 * One HTTP request and its answer on a connection of its own.
 *
 * Not `fetch`, because the certificate is wanted and no pool may hide how long connecting takes. The body is read as far
 * as somebody wants it; the rest is not waited for.
 */
import { Effect, type Option, Result, Schema, type Scope, Stream } from "effect"
import * as http from "node:http"
import * as net from "node:net"
import * as tls from "node:tls"
import type { HttpTarget } from "../../../domain/monitoring/checks/HttpTarget.ts"
import * as Dial from "../Dial.ts"
import type { NameLookup } from "../NameLookup.ts"
import * as Reason from "../Reason.ts"
import * as BodyText from "./BodyText.ts"
import * as CertificateChain from "./CertificateChain.ts"

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
  /** That of the chain which expires first. */
  readonly certificate: Option.Option<CertificateChain.Certificate>
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
  /** Headers with credentials must not follow a redirect to another origin. */
  readonly withHeaders: boolean
}

/** The host of a URL as sockets want it. */
const hostOf = (url: URL): string => url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname

const portOf = (url: URL): number => Number(url.port) || (url.protocol === "https:" ? 443 : 80)

/** The final dot of a name belongs to the resolver alone; certificates and servers know none. */
const serverNameOf = (host: string): string => net.isIP(host) > 0 ? "" : host.replace(/\.$/, "")

const secured = (plain: net.Socket, { ca, target, url }: ExchangeOptions): Effect.Effect<tls.TLSSocket, Error> =>
  Effect.callback((resume) => {
    const host = hostOf(url)
    const servername = serverNameOf(host)
    const socket = tls.connect({
      socket: plain,
      host: servername === "" ? host : servername,
      servername,
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: !target.insecureSkipVerify,
      ...(ca === undefined ? {} : { ca })
    })
    socket.on("error", (error) => resume(Effect.fail(error)))
    socket.once("secureConnect", () => resume(Effect.succeed(socket)))
    return Effect.sync(() => socket.destroy())
  })

const connected = Effect.fnUntraced(function*(options: ExchangeOptions) {
  const { names, url } = options
  const failed = (error: unknown) => new HttpExchangeError({ url: url.href, reason: Reason.describe(error) })
  const addresses = yield* names.resolve(hostOf(url)).pipe(
    Effect.mapError(({ reason }) => new HttpExchangeError({ url: url.href, reason }))
  )
  const plain = yield* Effect.acquireRelease(
    Effect.mapError(Dial.dial(addresses, portOf(url)), failed),
    (socket) => Effect.sync(() => socket.destroy()),
    { interruptible: true }
  )
  const address = plain.remoteAddress ?? ""
  return {
    address,
    socket: url.protocol === "https:" ? yield* Effect.mapError(secured(plain, options), failed) : plain
  }
})

/** Node hands headers over byte by byte; what servers put into them is UTF-8, or else latin1. */
const textOf = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined
  const bytes = Buffer.from(header, "latin1")
  const text = bytes.toString("utf8")
  return Buffer.from(text, "utf8").equals(bytes) ? text : header
}

/** The answer is there with its headers; whatever follows comes with the body. */
export const exchange = (options: ExchangeOptions): Effect.Effect<HttpExchange, HttpExchangeError, Scope.Scope> =>
  Effect.flatMap(connected(options), ({ address, socket }) =>
    Effect.map(send(options, socket), (response) => ({
      statusCode: response.statusCode ?? 0,
      location: textOf(response.headers.location),
      certificate: CertificateChain.firstToExpire(socket),
      address,
      body: response.statusCode === 101 ? Stream.empty : BodyText.read(response)
    })))

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
