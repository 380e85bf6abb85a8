/**
 * What happened in a world, in order, and a hash of all of it: two runs are the same when their hashes are.
 *
 * Only the latest entries are kept; the hash is of every one, as it is written.
 */

export interface LogEntry {
  readonly atMicros: number
  /** Who it happened to; `world` for what is done to it. */
  readonly party: string
  /** Whom it came from or went to, where it is a message. */
  readonly peer: string | undefined
  readonly text: string
}

const keptDefault = 2_000

interface Hold {
  readonly parties: ReadonlyArray<string>
  readonly fromMicros: number
  readonly most: number
  readonly entries: Array<LogEntry>
}

/** What is done to the world concerns those whom it names. */
const isOf = ({ entries, fromMicros, most, parties }: Hold, { atMicros, party, peer, text }: LogEntry): boolean => {
  if (atMicros < fromMicros || entries.length >= most) return false
  if (party === "world") return text.split(" ").some((word) => parties.includes(word))
  return parties.includes(party) && (peer === undefined || parties.includes(peer))
}

/** Seconds with six digits, so that lines of one run are as wide as those of another. */
export const timeOf = (micros: number): string => (micros / 1_000_000).toFixed(6)

export const lineOf = ({ atMicros, party, peer, text }: LogEntry): string =>
  `${timeOf(atMicros)} ${party}${peer === undefined ? "" : ` > ${peer}`}: ${text}`

export class EventLog {
  readonly #kept: number
  readonly #onEntry: ((entry: LogEntry) => void) | undefined
  #entries: Array<LogEntry> = []
  #count = 0
  #holds: ReadonlyArray<Hold> = []
  /** FNV-1a over two 32-bit halves with different primes. */
  #low = 0x811c9dc5
  #high = 0xcbf29ce4

  constructor(options: { readonly kept?: number; readonly onEntry?: (entry: LogEntry) => void } = {}) {
    this.#kept = options.kept ?? keptDefault
    this.#onEntry = options.onEntry
  }

  get count(): number {
    return this.#count
  }

  add(entry: LogEntry): void {
    this.#count += 1
    this.#mix(`${lineOf(entry)}\n`)
    this.#onEntry?.(entry)
    for (const hold of this.#holds) if (isOf(hold, entry)) hold.entries.push(entry)
    this.#entries.push(entry)
    if (this.#entries.length > 2 * this.#kept) this.#entries = this.#entries.slice(-this.#kept)
  }

  /** From now on the first entries after each of these moments are kept, of what happens to these parties. */
  hold(parties: ReadonlyArray<string>, fromMicros: ReadonlyArray<number>, most: number): void {
    this.#holds = fromMicros.map((micros) => ({ parties, fromMicros: micros, most, entries: [] }))
  }

  /** What was held, in order and each once; nothing when nothing was to be. */
  get held(): ReadonlyArray<LogEntry> {
    return [...new Set(this.#holds.flatMap(({ entries }) => entries))]
      .toSorted((one, other) => one.atMicros - other.atMicros)
  }

  latest(count: number): ReadonlyArray<LogEntry> {
    return count <= 0 ? [] : this.#entries.slice(-Math.min(count, this.#kept))
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0")
    return hex(this.#high) + hex(this.#low)
  }

  #mix(text: string): void {
    let low = this.#low
    let high = this.#high
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index)
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ code ^ (low >>> 16), 0x85ebca6b)
    }
    this.#low = low
    this.#high = high
  }
}
