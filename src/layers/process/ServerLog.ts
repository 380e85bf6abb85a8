/**
 * The server's own log: the last lines in memory for error messages, everything in a file of bounded size.
 *
 * When the file is full it becomes `<file>.1`, replacing the one before. A file that cannot be written costs lines and a
 * warning; the server goes on.
 */
import { Effect, type Scope } from "effect"
import * as LogFile from "./LogFile.ts"

const linesMax = 200
const lineLengthMax = 2_000
const fileBytesMax = 10 * 1024 * 1024

export interface ServerLog {
  readonly append: (chunk: Buffer) => void
  /** The newest lines, oldest first. */
  readonly lastLines: (count: number) => ReadonlyArray<string>
}

const openFile = (path: string) =>
  Effect.map(Effect.context<never>(), (context) => {
    const run = Effect.runForkWith(context)
    return LogFile.open(path, {
      bytesMax: fileBytesMax,
      whenFull: "rename",
      keep: true,
      onChange: ({ bytesLost, problem }) => {
        // A line of the log, which waits for nothing and holds nothing.
        run(
          problem === undefined
            ? Effect.logInfo(`${path} is written again; ${bytesLost} bytes of it were lost`)
            : Effect.logWarning(`${path} cannot be written, its lines are lost meanwhile: ${problem}`)
        )
      }
    })
  })

/** `path` undefined keeps the lines in memory only. */
export const make = (path: string | undefined): Effect.Effect<ServerLog, never, Scope.Scope> =>
  Effect.acquireRelease(
    path === undefined ? Effect.succeed(undefined) : openFile(path),
    (file) => Effect.sync(() => file?.close())
  ).pipe(Effect.map((file) => {
    const lines: Array<string> = []
    let partial = ""
    return {
      append: (chunk) => {
        file?.write(chunk)
        const parts = (partial + chunk.toString("utf8")).split("\n")
        partial = (parts.pop() ?? "").slice(0, lineLengthMax)
        for (const line of parts) if (line !== "") lines.push(line.slice(0, lineLengthMax))
        if (lines.length > linesMax) lines.splice(0, lines.length - linesMax)
      },
      lastLines: (count) => [...lines, ...(partial === "" ? [] : [partial])].slice(-count)
    }
  }))
