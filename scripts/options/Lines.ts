/**
 * Lines of a script that never waits: it hears of no error of a stream, so each is written at once, and what goes wrong is
 * known at once too.
 */
import * as fs from "node:fs"

const againAfterMillis = 5
/** As a shell tells of who was ended because nobody reads it. */
const readerGone = 141

const codeOf = (cause: unknown): unknown => cause instanceof Error && "code" in cause ? cause.code : undefined

const writePart = (bytes: Uint8Array): number => {
  try {
    return fs.writeSync(process.stdout.fd, bytes)
  } catch (cause) {
    // A pipe whose reader is slow.
    if (codeOf(cause) === "EAGAIN") {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, againAfterMillis)
      return 0
    }
    if (codeOf(cause) === "EPIPE") process.exit(readerGone)
    console.error(`stdout cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`)
    process.exit(1)
  }
}

/** Ends the script with 141 when nobody reads it any more, and with 1 when it cannot be written. */
export const write = (line: string): void => {
  const bytes = Buffer.from(`${line}\n`)
  for (let written = 0; written < bytes.length;) written += writePart(bytes.subarray(written))
}
