/**
 * A log file of bounded size whose writer can always go on.
 *
 * A disk that is full, gone or read-only costs lines, never the program that writes them: a failed write is counted, told
 * of once, and the next line is tried again, so that the file goes on by itself when there is room. Written synchronously,
 * because the lines before a crash are the ones that matter. A link in the file's place is not followed.
 */
import * as fs from "node:fs"
import { describeCause } from "./SetupFailed.ts"

export interface LogFileOptions {
  readonly bytesMax: number
  /** Whether a full file becomes `<file>.1` or starts over. */
  readonly whenFull: "rename" | "truncate"
  /** Whether what an earlier run left is kept. */
  readonly keep: boolean
  /** Told when lines begin to be lost, and when they are kept again. */
  readonly onChange: (state: LogFileState) => void
}

export interface LogFileState {
  /** The operating system's words; undefined when lines are kept again. */
  readonly problem: string | undefined
  readonly bytesLost: number
}

export interface LogFile {
  readonly write: (text: Uint8Array | string) => void
  readonly close: () => void
}

/** An attempt to open a file that could not be opened comes not more often. */
const openAgainMillis = 1_000

const flags = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND | fs.constants.O_NOFOLLOW

class OpenLogFile implements LogFile {
  #descriptor: number | undefined
  #bytes = 0
  #bytesLost = 0
  #isLosing = false
  #isClosed = false
  #triedAt = Number.NEGATIVE_INFINITY
  readonly #path: string
  readonly #options: LogFileOptions

  constructor(path: string, options: LogFileOptions) {
    this.#path = path
    this.#options = options
    this.#attempt(0, () => this.#open(options.keep ? 0 : fs.constants.O_TRUNC))
  }

  write(text: Uint8Array | string): void {
    // The last output of a process may arrive after we have turned away from it.
    if (this.#isClosed) return
    const chunk = typeof text === "string" ? Buffer.from(text) : text
    this.#attempt(chunk.length, () => this.#append(chunk))
  }

  close(): void {
    this.#isClosed = true
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #open(extra: number): number {
    this.#triedAt = performance.now()
    this.#descriptor = fs.openSync(this.#path, flags | extra, 0o600)
    this.#bytes = fs.fstatSync(this.#descriptor).size
    return this.#descriptor
  }

  #append(chunk: Uint8Array): void {
    if (this.#descriptor === undefined && performance.now() - this.#triedAt < openAgainMillis) {
      this.#bytesLost += chunk.length
      return
    }
    let descriptor = this.#descriptor ?? this.#open(0)
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#options.bytesMax) descriptor = this.#startOver(descriptor)
    const written = fs.writeSync(descriptor, chunk)
    this.#bytes += written
    // Room for a part of the line: the next one tells why.
    if (written < chunk.length) this.#bytesLost += chunk.length - written
    else if (this.#isLosing) this.#recover()
  }

  #recover(): void {
    const bytesLost = this.#bytesLost
    this.#isLosing = false
    this.#bytesLost = 0
    this.#options.onChange({ problem: undefined, bytesLost })
  }

  #startOver(descriptor: number): number {
    if (this.#options.whenFull === "truncate") {
      fs.ftruncateSync(descriptor, 0)
      this.#bytes = 0
      return descriptor
    }
    fs.renameSync(this.#path, `${this.#path}.1`)
    fs.closeSync(descriptor)
    this.#descriptor = undefined
    return this.#open(0)
  }

  #attempt(bytes: number, work: () => void): void {
    try {
      work()
    } catch (cause) {
      this.#bytesLost += bytes
      if (this.#isLosing) return
      this.#isLosing = true
      this.#options.onChange({ problem: describeCause(cause), bytesLost: this.#bytesLost })
    }
  }
}

/** Opens the file, or tries again with later lines. */
export const open = (path: string, options: LogFileOptions): LogFile => new OpenLogFile(path, options)
