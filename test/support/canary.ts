/** A server that nobody has a reason to ask: it keeps who did all the same, and answers as it is told. */
import { Effect } from "effect"
import * as http from "node:http"

export interface Canary {
  readonly base: string
  /** Method and path of each request. */
  readonly heard: ReadonlyArray<string>
}

export type Answers = (request: http.IncomingMessage, response: http.ServerResponse) => void

const nothing: Answers = (_, response) => void response.writeHead(404).end()

export const start = (answers: Answers = nothing) =>
  Effect.acquireRelease(
    Effect.callback<Canary & { readonly server: http.Server }>((resume) => {
      const heard: Array<string> = []
      const server = http.createServer((request, response) => {
        heard.push(`${request.method} ${request.url}`)
        answers(request, response)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ base: `http://127.0.0.1:${port}`, heard, server }))
      })
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
