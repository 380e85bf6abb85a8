/** The socket in a poller's buffer folder at which the poller that replaces it asks: lines of text, one a message. */
import { type Cause, Effect, type Option, Queue, type Scope } from "effect"
import type * as net from "node:net"
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

/** None when nobody listens. */
export const connect = (
  folder: string
): Effect.Effect<Option.Option<LineConnection>, FolderSocket.FolderSocketError, Scope.Scope> =>
  FolderSocket.connect(folder, fileName).pipe(
    Effect.flatMap(linesOf),
    Effect.asSome,
    Effect.catchIf(FolderSocket.isNobody, () => Effect.succeedNone)
  )

/** Listens until the scope closes. */
export const listen = <R>(folder: string, serve: (connection: LineConnection) => Effect.Effect<void, never, R>) =>
  FolderSocket.listen(folder, fileName, (socket) => Effect.flatMap(linesOf(socket), serve))
