/**
 * A TCP port of the loopback that nobody listens on.
 *
 * Only a hint: somebody may take it before the server does, so whoever uses it still handles "address in use".
 */
import { Effect } from "effect"
import * as net from "node:net"

const isFree = (host: string, port: number): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const server = net.createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resume(Effect.succeed(true))))
  })

const anyFree = (host: string): Effect.Effect<number> =>
  Effect.callback<number>((resume) => {
    const server = net.createServer()
    server.listen({ host, port: 0 }, () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      server.close(() => resume(Effect.succeed(port)))
    })
  })

const attemptsMax = 50

/** The preferred port, else the next free one after it, else any. Preferring 0 means any. */
export const next = Effect.fn("FreePort.next")(function*(host: string, preferred: number) {
  if (preferred === 0) return yield* anyFree(host)
  for (let port = preferred; port < Math.min(preferred + attemptsMax, 65_536); port++) {
    if (yield* isFree(host, port)) return port
  }
  return yield* anyFree(host)
})
