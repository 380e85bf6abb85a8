/**
 * Unix sockets in folders of ours: who listens there is alive, and only who may enter the folder asks.
 *
 * The kernel closes a socket with its process, however that ends, and answers for it to every process of this machine,
 * also from another container that shares the folder. A process id proves nothing there.
 */
import { Effect, FiberSet, Schema, type Scope } from "effect"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"

/** Of the address of a unix socket, with its end. */
const addressBytesMax = 104
const connectionsMax = 16

export class FolderSocketError extends Schema.TaggedError<FolderSocketError>()("FolderSocketError", {
  path: Schema.String,
  /** As the operating system has it, for example `ECONNREFUSED`; empty when it does not say. */
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.path}: ${this.detail}`
  }
}

/** A socket file that nobody listens on, or none at all. */
export const isNobody = ({ code }: FolderSocketError): boolean => code === "ENOENT" || code === "ECONNREFUSED"

const errorOf = (file: string) => (cause: unknown) =>
  new FolderSocketError({
    path: file,
    code: cause instanceof Error && "code" in cause ? String(cause.code) : "",
    detail: cause instanceof Error ? cause.message : String(cause)
  })

/** A path that is too long for a socket is reached by the open folder, where the system has a path for that. */
const addressOf = (folder: string, name: string): Effect.Effect<string, FolderSocketError, Scope.Scope> => {
  const file = path.join(folder, name)
  if (Buffer.byteLength(file) < addressBytesMax) return Effect.succeed(file)
  return Effect.map(
    Effect.acquireRelease(
      Effect.try({
        try: () => fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY),
        catch: errorOf(file)
      }),
      (descriptor) => Effect.sync(() => fs.closeSync(descriptor))
    ),
    (descriptor) => `/proc/self/fd/${descriptor}/${name}`
  )
}

/** Closed with the scope. */
export const connect = Effect.fn("FolderSocket.connect")(function*(
  folder: string,
  name: string
): Effect.fn.Return<net.Socket, FolderSocketError, Scope.Scope> {
  const file = path.join(folder, name)
  const address = yield* addressOf(folder, name)
  return yield* Effect.acquireRelease(
    Effect.callback<net.Socket, FolderSocketError>((resume) => {
      const socket = net.connect({ path: address })
      socket.once("connect", () => resume(Effect.succeed(socket)))
      socket.once("error", (error) => resume(Effect.fail(errorOf(file)(error))))
      return Effect.sync(() => socket.destroy())
    }),
    (socket) => Effect.sync(() => socket.destroy()),
    { interruptible: true }
  )
})

/** Whether a living process listens there. */
export const isAnswered = (folder: string, name: string): Effect.Effect<boolean> =>
  Effect.scoped(connect(folder, name)).pipe(
    Effect.timeout("2 seconds"),
    Effect.match({
      onSuccess: () => true,
      // One that is there and has no room for a connection, or takes long, is there.
      onFailure: (error) => error._tag === "TimeoutError" || error.code === "EAGAIN"
    })
  )

/**
 * Listens until the scope closes, in the place of whoever listened before; each connection is served in a fiber of its
 * own, and closed with it.
 */
export const listen = Effect.fn("FolderSocket.listen")(function*<R>(
  folder: string,
  name: string,
  serve: (socket: net.Socket) => Effect.Effect<void, never, R | Scope.Scope>
): Effect.fn.Return<void, FolderSocketError, R | Scope.Scope> {
  const file = path.join(folder, name)
  const address = yield* addressOf(folder, name)
  const run = yield* FiberSet.runtime(yield* FiberSet.make())<Exclude<R, Scope.Scope>>()
  yield* Effect.try({ try: () => fs.rmSync(file, { force: true }), catch: errorOf(file) })
  yield* Effect.acquireRelease(
    Effect.callback<net.Server, FolderSocketError>((resume) => {
      const server = net.createServer((socket) => {
        socket.on("error", () => {})
        const served = Effect.ensuring(Effect.scoped(serve(socket)), Effect.sync(() => socket.destroy()))
        run(served)
      })
      server.maxConnections = connectionsMax
      server.once("error", (error) => resume(Effect.fail(errorOf(file)(error))))
      server.listen({ path: address }, () => {
        // As all that is in the folder.
        fs.chmodSync(address, 0o600)
        resume(Effect.succeed(server))
      })
    }),
    (server) => Effect.sync(() => void server.close())
  )
})
