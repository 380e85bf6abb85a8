/** A request over HTTP/2, on a connection that speaks it: agreed on in the handshake, or known before (without TLS). */
import { Effect, Result, type Scope } from "effect"
import * as http2 from "node:http2"
import type * as net from "node:net"
import { PassThrough, pipeline, type Readable } from "node:stream"
import * as Reason from "../Reason.ts"
import { credentialsOf, HttpExchangeError } from "./HttpConnection.ts"

export interface Answered {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Readable
}

export interface Http2Options {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** Of all headers of an answer together. */
const headerPairsMax = 500

export const send = (
  { body, headers, method, url }: Http2Options,
  socket: net.Socket
): Effect.Effect<Answered, HttpExchangeError, Scope.Scope> => {
  const failed = (error: unknown) => new HttpExchangeError({ url: url.href, reason: Reason.describe(error) })
  const session = Effect.acquireRelease(
    Effect.sync(() =>
      http2.connect(url.origin, { createConnection: () => socket, maxHeaderListPairs: headerPairsMax })
    ),
    (one) => Effect.sync(() => one.destroy())
  )
  return Effect.flatMap(session, (one) =>
    Effect.callback<Answered, HttpExchangeError>((resume) => {
      const fail = (error: unknown) => resume(Effect.fail(failed(error)))
      const credentials = credentialsOf(url)
      one.on("error", fail)
      one.on("close", () => fail({ code: "ECONNRESET" }))
      one.on("goaway", (code) => {
        if (code !== http2.constants.NGHTTP2_NO_ERROR) {
          fail(new Error(`the server ended the connection (GOAWAY ${code})`))
        }
      })
      // Throws where a header has a character that may not be sent.
      const made = Result.try(() =>
        one.request({
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
          ...(credentials === undefined
            ? {}
            : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` }),
          ":method": method,
          ":path": `${url.pathname}${url.search}`
        })
      )
      if (Result.isFailure(made)) return fail(made.failure)
      const request = made.success
      // Stays: an error that comes when nobody reads must not be unhandled.
      request.on("error", fail)
      request.on("response", (response) => {
        const fields = Object.fromEntries(Object.entries(response).filter(([name]) => !name.startsWith(":")))
        // Node throws away what nobody has begun to read when the stream closes.
        const read = new PassThrough()
        read.on("error", () => {})
        pipeline(request, read, () => {})
        resume(Effect.succeed({ statusCode: response[":status"] ?? 0, headers: fields, body: read }))
      })
      request.end(body)
      return Effect.sync(() => request.destroy())
    }))
}
