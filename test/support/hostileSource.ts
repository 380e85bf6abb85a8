/** An HTTP server that answers as somebody wants who means no good: a handler for each request, and what it was sent. */
import { Effect, type Scope } from "effect"
import * as http from "node:http"

export interface Sent {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
}

export type Answer = (response: http.ServerResponse, request: http.IncomingMessage, index: number) => void

export interface HostileSource {
  readonly url: string
  readonly sent: ReadonlyArray<Sent>
}

export const token = "tok-3n-of-armis"

/** Gives out tokens, and answers everything else as told. */
export const serve = (answer: Answer): Effect.Effect<HostileSource, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: http.Server; readonly port: number; readonly sent: Array<Sent> }>((resume) => {
        const sent: Array<Sent> = []
        let searches = 0
        const server = http.createServer({ maxHeaderSize: 1024 * 1024 }, (request, response) => {
          sent.push({ path: request.url ?? "", headers: request.headers })
          // Whoever stops reading has had enough.
          response.on("error", () => undefined)
          if (request.url === "/api/v1/access_token/") {
            response.end(JSON.stringify({ success: true, data: { access_token: token } }))
          } else answer(response, request, searches++)
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          resume(Effect.succeed({ server, port, sent }))
        })
      }),
      ({ server }) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    ({ port, sent }) => ({ url: `http://127.0.0.1:${port}`, sent })
  )

/** One page that is the last. */
export const lastPage = (results: ReadonlyArray<unknown>, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    success: true,
    data: { count: results.length, next: 0, prev: null, results, total: results.length, ...more }
  })

export const device = (id: unknown, more: Readonly<Record<string, unknown>> = {}) => ({
  id,
  ipAddress: "192.0.2.1",
  name: "one",
  ...more
})
