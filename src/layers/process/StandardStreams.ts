/**
 * What becomes of stdout and stderr when nobody can take what is written to them.
 *
 * Where stdout is a log, nothing about it ends a program: neither a full disk nor a closed terminal nor a reader that
 * went away. Where it is an answer, a reader that went away (`| head`) wants no more of it, so the program stops quietly,
 * and any other failure means that the answer is not there: the exit code says so.
 */
import { describeCause } from "./SetupFailed.ts"

/** What stdout is used for. */
export type StdoutUse = "answer" | "log"

export interface StandardStreams {
  /** Aborted when the reader of an answer is gone. */
  readonly readerGone: AbortSignal
  /** Why the answer did not get out; undefined when it did, or there is none. */
  readonly problem: () => string | undefined
}

const isReaderGone = (error: Error): boolean => "code" in error && error.code === "EPIPE"

/** Watches from now on; an error that nobody watches for would end the process. */
export const watch = (use: StdoutUse): StandardStreams => {
  const gone = new AbortController()
  let problem: string | undefined
  process.stdout.on("error", (error) => {
    if (use === "log") return
    if (isReaderGone(error)) gone.abort()
    else problem ??= describeCause(error)
  })
  process.stderr.on("error", () => undefined)
  return { readerGone: gone.signal, problem: () => problem }
}

/** Calls `then` when what was written has left, or will never leave. */
export const flush = (then: () => void): void => {
  let open = 2
  const closed = () => {
    open -= 1
    // A failure is told of a moment after the write that met it.
    if (open === 0) setImmediate(then)
  }
  process.stdout.write("", closed)
  process.stderr.write("", closed)
}
