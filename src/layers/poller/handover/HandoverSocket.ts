/** The socket in a poller's buffer folder at which the poller that replaces it asks: lines of text, one a message. */
import { type Cause, Context, Effect, type FileSystem, Option, Queue, type Scope } from "effect"
import type * as net from "node:net"
import * as DirectoryLock from "../../process/DirectoryLock.ts"
import * as FolderSocket from "../../process/FolderSocket.ts"

const fileName = "handover.sock"

/** An agent with some ten thousand checks. */
const lineCharsMax = 8 * 1_048_576
const linesMax = 1_024

export interface LineConnection {
  readonly send: (line: string) => Effect.Effect<void>
  /** Ends with the connection. */
  readonly lines: Queue.Dequeue<string, Cause.Done>
  readonly close: Effect.Effect<void>
}

const linesOf = Effect.fnUntraced(function*(socket: net.Socket): Effect.fn.Return<LineConnection> {
  const lines = yield* Queue.bounded<string, Cause.Done>(linesMax)
  let rest = ""
  socket.setEncoding("utf8")
  socket.on("error", () => {})
  socket.on("close", () => Queue.endUnsafe(lines))
  socket.on("data", (text: string) => {
    const parts = `${rest}${text}`.split("\n")
    rest = parts.pop() ?? ""
    const isTooMuch = rest.length > lineCharsMax || parts.some((line) => !Queue.offerUnsafe(lines, line))
    if (isTooMuch) socket.destroy()
  })
  return {
    lines,
    close: Effect.sync(() => void socket.destroy()),
    send: (line) => Effect.sync(() => void (socket.destroyed || socket.write(`${line}\n`)))
  }
})

/** What two processes with one folder see of one another. A simulated world has its own in its place, see `Current`. */
export interface HandoverSockets {
  /** Of this process. */
  readonly pid: number
  /** Of the living process that has the folder. */
  readonly owner: (folder: string) => Effect.Effect<Option.Option<number>, never, FileSystem.FileSystem>
  /** None when nobody listens. */
  readonly connect: (
    folder: string
  ) => Effect.Effect<Option.Option<LineConnection>, FolderSocket.FolderSocketError, Scope.Scope>
  /** Listens until the scope closes. */
  readonly listen: <R>(
    folder: string,
    serve: (connection: LineConnection) => Effect.Effect<void, never, R | Scope.Scope>
  ) => Effect.Effect<void, FolderSocket.FolderSocketError, R | Scope.Scope>
}

/** On this machine. */
export const node: HandoverSockets = {
  pid: process.pid,
  owner: (folder) => Effect.map(DirectoryLock.livingOwner(folder), Option.map(({ pid }) => pid)),
  connect: (folder) =>
    FolderSocket.connect(folder, fileName).pipe(
      Effect.flatMap(linesOf),
      Effect.asSome,
      Effect.catchIf(FolderSocket.isNobody, () => Effect.succeedNone)
    ),
  listen: (folder, serve) => FolderSocket.listen(folder, fileName, (socket) => Effect.flatMap(linesOf(socket), serve))
}

/** Those of this machine unless a world has others. */
export const Current: Context.Reference<HandoverSockets> = Context.Reference<HandoverSockets>(
  "serviceradar/layers/poller/handover/HandoverSocket",
  { defaultValue: () => node }
)
