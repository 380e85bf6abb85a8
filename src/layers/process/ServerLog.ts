/**
 * The server's own log: the last lines in memory for error messages, everything in a file of bounded size.
 *
 * Written synchronously, because the lines before a crash are the ones that matter and the volume is small: the server
 * logs warnings and errors only. When the file is full it becomes `<file>.1`, replacing the one before.
 */
import { Effect, type Scope } from "effect"
import * as fs from "node:fs"
import { SetupFailed } from "./SetupFailed.ts"

const linesMax = 200
const lineLengthMax = 2_000
const fileBytesMax = 10 * 1024 * 1024

export interface ServerLog {
  readonly append: (chunk: Buffer) => void
  /** The newest lines, oldest first. */
  readonly lastLines: (count: number) => ReadonlyArray<string>
}

const openFile = (path: string) => {
  let descriptor = fs.openSync(path, "a", 0o600)
  let bytes = fs.fstatSync(descriptor).size
  let isOpen = true
  return {
    write: (chunk: Buffer) => {
      // The last output of a process may arrive after we have turned away from it.
      if (!isOpen) return
      if (bytes + chunk.length > fileBytesMax) {
        fs.closeSync(descriptor)
        fs.renameSync(path, `${path}.1`)
        descriptor = fs.openSync(path, "a", 0o600)
        bytes = 0
      }
      bytes += fs.writeSync(descriptor, chunk)
    },
    close: () => {
      isOpen = false
      fs.closeSync(descriptor)
    }
  }
}

/** `path` undefined keeps the lines in memory only. */
export const make = (path: string | undefined): Effect.Effect<ServerLog, SetupFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => path === undefined ? undefined : openFile(path),
      catch: (cause) =>
        new SetupFailed({
          step: "opening the log file",
          detail: cause instanceof Error ? cause.message : String(cause)
        })
    }),
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
