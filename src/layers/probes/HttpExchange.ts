/**
 * One HTTP request and its answer on a connection of its own.
 *
 * Not `fetch`, because the certificate is wanted and no pool may hide how long connecting takes. Only the beginning of
 * the body is read; the rest is not waited for.
 */
import { DateTime, Effect, Option, Result, Schema } from "effect"
import * as http from "node:http"
import * as https from "node:https"
import type * as net from "node:net"
import { TLSSocket } from "node:tls"
import type { HttpTarget } from "../../domain/monitoring/checks/HttpTarget.ts"
import type { NameLookup } from "./NameLookup.ts"
import * as Reason from "./Reason.ts"

export class HttpExchangeError extends Schema.TaggedError<HttpExchangeError>()("HttpExchangeError", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.url}: ${this.reason}`
  }
}

export interface Certificate {
  readonly notAfter: DateTime.Utc
  readonly issuer: string
}

export interface HttpExchange {
  readonly statusCode: number
  readonly location: string | undefined
  readonly certificate: Certificate | undefined
  /** At most `bodyBytesMax` bytes, as UTF-8. */
  readonly body: string
}

/** Enough for any health page; a flooding server costs no more. */
export const bodyBytesMax = 256 * 1024

const certificateOf = (socket: unknown): Certificate | undefined => {
  if (!(socket instanceof TLSSocket)) return undefined
  // Node gives an empty object when the session was resumed, whatever the type says.
  const { issuer, valid_to: validTo }: {
    issuer?: { CN?: string | string[]; O?: string | string[] }
    valid_to?: string
  } = socket.getPeerCertificate()
  const notAfter = validTo === undefined ? Option.none() : DateTime.make(validTo)
  if (Option.isNone(notAfter)) return undefined
  return { notAfter: DateTime.toUtc(notAfter.value), issuer: [issuer?.CN ?? issuer?.O ?? ""].flat().join(", ") }
}

export interface ExchangeOptions {
  readonly target: HttpTarget
  readonly url: URL
  readonly ca: string | undefined
  readonly names: NameLookup
  /** Headers with credentials must not follow a redirect to another origin. */
  readonly withHeaders: boolean
}

const optionsOf = (
  { ca, target, withHeaders }: ExchangeOptions,
  lookup: net.LookupFunction
): https.RequestOptions => ({
  lookup,
  method: target.method,
  agent: false,
  headers: { "user-agent": "serviceradar-agent", accept: "*/*", ...(withHeaders ? target.headers : {}) },
  rejectUnauthorized: !target.insecureSkipVerify,
  ...(ca === undefined ? {} : { ca })
})

/** The host of a URL as sockets want it. */
const hostOf = (url: URL): string => url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname

export const exchange = (options: ExchangeOptions): Effect.Effect<HttpExchange, HttpExchangeError> =>
  options.names.resolve(hostOf(options.url)).pipe(
    Effect.mapError((error) => new HttpExchangeError({ url: options.url.href, reason: error.reason })),
    Effect.flatMap((lookup) => send(options, lookup))
  )

const send = (
  options: ExchangeOptions,
  lookup: net.LookupFunction
): Effect.Effect<HttpExchange, HttpExchangeError> =>
  Effect.callback((resume) => {
    const { target, url } = options
    const fail = (error: unknown) =>
      resume(Effect.fail(new HttpExchangeError({ url: url.href, reason: Reason.describe(error) })))
    // Throws where a header has a character that may not be sent.
    const made = Result.try(() => (url.protocol === "https:" ? https : http).request(url, optionsOf(options, lookup)))
    if (Result.isFailure(made)) return fail(made.failure)
    const request = made.success
    request.on("error", fail)
    request.on("response", (response) => {
      const certificate = certificateOf(response.socket)
      const parts: Array<Buffer> = []
      let bytes = 0
      const finish = () => {
        resume(Effect.succeed({
          statusCode: response.statusCode ?? 0,
          location: response.headers.location,
          certificate,
          body: Buffer.concat(parts).subarray(0, bodyBytesMax).toString("utf8")
        }))
        request.destroy()
      }
      // Without an expectation of the body its first byte is not waited for.
      if (target.bodyMatch === undefined) return finish()
      response.on("data", (part: Buffer) => {
        parts.push(part)
        bytes += part.length
        if (bytes >= bodyBytesMax) finish()
      })
      response.on("end", finish)
      response.on("error", fail)
    })
    request.end(target.method === "POST" || target.method === "PUT" ? target.body : undefined)
    return Effect.sync(() => request.destroy())
  })
