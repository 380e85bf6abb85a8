/**
 * One HTTP request and its answer on a connection of its own.
 *
 * Not `fetch`, because the certificate is wanted and no pool may hide how long connecting takes. The body is read as far
 * as somebody wants it; the rest is not waited for.
 */
import { Effect, Result, type Scope, Stream } from "effect"
import * as http from "node:http"
import type * as net from "node:net"
import * as tls from "node:tls"
import * as Reason from "../Reason.ts"
import * as CertificateChain from "../tls/CertificateChain.ts"
import * as BodyText from "./BodyText.ts"
import * as Http2Request from "./Http2Request.ts"
import * as HttpConnection from "./HttpConnection.ts"
import { HttpExchangeError } from "./HttpConnection.ts"

export interface HttpExchange {
  readonly statusCode: number
  readonly location: string | undefined
  /** Empty of a connection without TLS. */
  readonly chain: ReadonlyArray<CertificateChain.Certificate>
  /** Such as `TLSv1.3`; undefined without TLS. */
  readonly tlsVersion: string | undefined
  readonly httpVersion: "1.1" | "2"
  /** Of the server, or of the proxy. */
  readonly address: string
  readonly isProxied: boolean
  /** To be read once, within the scope. */
  readonly body: Stream.Stream<string, BodyText.BodyError>
}

/** Of all headers of an answer together, with their names. */
const headerBytesMax = 68 * 1_024

/** Of answers before the answer, such as 100 and 103: each of them costs all other checks a little. */
const interimMax = 20

export interface ExchangeOptions extends HttpConnection.ConnectionOptions {
  readonly method: string
  /** Headers with credentials must not follow a redirect to another origin. */
  readonly withHeaders: boolean
}

/** Node hands headers over byte by byte; what servers put into them is UTF-8, or else latin1. */
const textOf = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined
  const bytes = Buffer.from(header, "latin1")
  const text = bytes.toString("utf8")
  return Buffer.from(text, "utf8").equals(bytes) ? text : header
}

/** The answer is there with its headers; whatever follows comes with the body. */
export const exchange = Effect.fnUntraced(
  function*(options: ExchangeOptions): Effect.fn.Return<HttpExchange, HttpExchangeError, Scope.Scope> {
    const { address, isHttp2, socket } = yield* HttpConnection.open(options)
    const { method, target, url } = options
    const request = isHttp2
      ? Http2Request.send({ url, method, headers: headersOf(options), body: bodyOf(options) }, socket)
      : Effect.map(send(options, socket), (response) => ({
        statusCode: response.statusCode ?? 0,
        headers: response.headers,
        body: response
      }))
    const { body, headers, statusCode } = yield* options.watch.step("first_byte", request)
    const location = headers["location"]
    return {
      statusCode,
      location: typeof location === "string" ? textOf(location) : undefined,
      chain: CertificateChain.of(socket),
      tlsVersion: socket instanceof tls.TLSSocket ? socket.getProtocol() ?? undefined : undefined,
      httpVersion: isHttp2 ? "2" : "1.1",
      address,
      isProxied: target.proxy !== undefined,
      body: statusCode === 101 ? Stream.empty : BodyText.read(body, headers)
    }
  }
)

const headersOf = ({ target, withHeaders }: ExchangeOptions) => ({
  "user-agent": "serviceradar-agent",
  accept: "*/*",
  ...(withHeaders ? target.headers : {})
})

const bodyOf = ({ method, target }: ExchangeOptions): string | undefined =>
  method === target.method && (method === "POST" || method === "PUT") ? target.body : undefined

const send = (options: ExchangeOptions, socket: net.Socket): Effect.Effect<http.IncomingMessage, HttpExchangeError> =>
  Effect.callback((resume) => {
    const { method, target, url } = options
    // A proxy wants to know the whole of it; behind CONNECT the server itself is asked.
    const proxy = target.proxy === undefined || url.protocol === "https:" ? undefined : new URL(target.proxy)
    const path = `${url.pathname}${url.search}`
    const credentials = HttpConnection.credentialsOf(url)
    const fail = (error: unknown) =>
      resume(Effect.fail(new HttpExchangeError({ url: url.href, reason: Reason.describe(error) })))
    // Throws where a header has a character that may not be sent.
    const made = Result.try(() =>
      http.request({
        createConnection: () => socket,
        protocol: "http:",
        hostname: url.hostname,
        port: HttpConnection.portOf(url),
        defaultPort: url.protocol === "https:" ? 443 : 80,
        path: proxy === undefined ? path : `${url.origin}${path}`,
        method,
        maxHeaderSize: headerBytesMax,
        // Lines that end in a line feed alone, as small devices write them, and what else is not quite HTTP (RFC 9112, 2.2).
        // The danger is for those who pass messages on; here somebody asks whether it works.
        insecureHTTPParser: true,
        ...(credentials === undefined ? {} : { auth: credentials }),
        headers: { ...headersOf(options), ...(proxy === undefined ? {} : HttpConnection.proxyHeaders(proxy)) }
      })
    )
    if (Result.isFailure(made)) return fail(made.failure)
    const request = made.success
    request.on("error", fail)
    let interim = 0
    request.on("information", () => {
      interim += 1
      if (interim > interimMax) {
        request.destroy(new Error(`the server sent more than ${interimMax} interim answers (1xx)`))
      }
    })
    request.on("response", (response) => {
      // Stays: an error that comes when nobody reads must not be unhandled.
      response.on("error", () => {})
      resume(Effect.succeed(response))
    })
    // 101: what follows is no HTTP.
    request.on("upgrade", (response) => resume(Effect.succeed(response)))
    request.end(bodyOf(options))
    return Effect.sync(() => request.destroy())
  })
