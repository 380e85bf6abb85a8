/** A server that takes what webhooks are posted, and answers or keeps whoever posts waiting. */
import { Effect } from "effect"
import * as http from "node:http"

export const make = Effect.gen(function*() {
  /** With their `authorization`, in the order in which they came. */
  const bodies: Array<string> = []
  let isAnswering = true
  const server = http.createServer((request, response) => {
    let body = ""
    request.on("data", (chunk: Buffer) => body += chunk.toString("utf8"))
    request.on("end", () => {
      bodies.push(`${request.headers["authorization"] ?? ""} ${body}`)
      if (isAnswering) response.end()
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((done) => void server.listen(0, "127.0.0.1", done))),
    () =>
      Effect.promise(() =>
        new Promise<void>((done) => {
          server.close(() => done())
          server.closeAllConnections()
        })
      )
  )
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}/hook`,
    bodies,
    /** From the next one on. */
    answer: (does: boolean) => Effect.sync(() => void (isAnswering = does))
  }
})
