/**
 * A TCP port of the loopback that nobody listens on.
 *
 * `next` is only a hint: somebody may take the port before the server does, so whoever uses it still handles "address in
 * use". `claim` keeps those away who claim too, from the choice until the scope closes.
 */
import { Effect, Exit, Scope } from "effect"
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

/**
 * A name in Linux's abstract namespace of sockets: one per network namespace, as ports are, whoever the user is; it needs
 * no folder, and the kernel takes it back when its owner ends, however that ends.
 */
const claimName = (host: string, port: number) => `\0serviceradar/port/${host}:${port}`

/** False when another claim stands. Where such names cannot be had it is true, and the port only a hint. */
const stakeClaim = (host: string, port: number): Effect.Effect<boolean, never, Scope.Scope> =>
  process.platform !== "linux" ? Effect.succeed(true) : Effect.map(
    Effect.acquireRelease(
      Effect.callback<net.Server | NodeJS.ErrnoException>((resume) => {
        const holder = net.createServer((visitor) => visitor.destroy())
        holder.once("error", (error) => resume(Effect.succeed(error)))
        holder.unref().listen({ path: claimName(host, port), exclusive: true }, () => resume(Effect.succeed(holder)))
      }),
      (outcome) =>
        outcome instanceof net.Server
          ? Effect.callback<void>((resume) => {
            outcome.close(() => resume(Effect.void))
          })
          : Effect.void
    ),
    (outcome) => outcome instanceof net.Server || outcome.code !== "EADDRINUSE"
  )

/**
 * As `next`, and nobody else's by `claim` until the scope closes. The claim comes before the look: looking is listening
 * for a moment, and would be in the way of a server that is just about to.
 */
export const claim = Effect.fn("FreePort.claim")(function*(host: string, preferred: number) {
  for (let port = preferred; port < Math.min(preferred + attemptsMax, 65_536) && port > 0; port++) {
    const attempt = yield* Scope.fork(yield* Effect.scope)
    if ((yield* Scope.provide(stakeClaim(host, port), attempt)) && (yield* isFree(host, port))) return port
    yield* Scope.close(attempt, Exit.void)
  }
  return yield* anyFree(host)
})
