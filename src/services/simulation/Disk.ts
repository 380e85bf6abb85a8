/**
 * The disk of a host: what was written is there for the next process, and only what was synced is there after a power
 * failure.
 *
 * Of bytes that were not synced a part may be there, of the last ones also other bytes than were written; of files that were
 * made, renamed or removed the oldest changes may be, in their order, until the folder is synced.
 */
import type { Seeded } from "../../domain/simulation/Seeded.ts"

interface Content {
  bytes: Buffer
  length: number
  synced: number
}

/** A file as whoever has made it goes on with it, also when it has another name by then, or none. */
export interface DiskFile {
  /** False when there is no room. */
  readonly append: (bytes: Uint8Array) => boolean
  readonly sync: () => void
  /** Whether it has the name that it was made with. */
  readonly isThere: () => boolean
}

type Change = (entries: Map<string, Content>) => void

/** Makes it so long, with zeros. */
const reach = (content: Content, length: number): void => {
  if (length > content.bytes.length) {
    const larger = Buffer.alloc(Math.max(length, 2 * content.bytes.length))
    content.bytes.copy(larger, 0, 0, content.length)
    content.bytes = larger
  } else content.bytes.fill(0, content.length, length)
  content.length = length
}

export class Disk {
  readonly #random: Seeded
  #entries = new Map<string, Content>()
  #durable = new Map<string, Content>()
  #changes: Array<Change> = []
  /** Takes nothing more. */
  isFull = false
  /** How long each sync and write takes. */
  slowMillis = 0
  powerLosses = 0

  constructor(random: Seeded) {
    this.#random = random
  }

  names(): ReadonlyArray<string> {
    return [...this.#entries.keys()]
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /** Undefined where there is none of that name. */
  sizeOf(name: string): number | undefined {
    return this.#entries.get(name)?.length
  }

  /** Undefined when there is one of that name. */
  create(name: string): DiskFile | undefined {
    if (this.#entries.has(name)) return undefined
    const content: Content = { bytes: Buffer.alloc(256), length: 0, synced: 0 }
    this.#change((entries) => entries.set(name, content))
    return {
      append: (bytes) => {
        if (this.isFull) return false
        const from = content.length
        reach(content, from + bytes.length)
        content.bytes.set(bytes, from)
        return true
      },
      sync: () => {
        content.synced = content.length
      },
      isThere: () => this.#entries.get(name) === content
    }
  }

  read(name: string, offset: number, length: number): Buffer | undefined {
    const content = this.#entries.get(name)
    if (content === undefined) return undefined
    return Buffer.from(content.bytes.subarray(offset, Math.min(content.length, offset + length)))
  }

  /** Cut, or filled with zeros, and synced. */
  truncate(name: string, length: number): boolean {
    const content = this.#entries.get(name)
    if (content === undefined) return false
    if (length > content.length) reach(content, length)
    content.length = length
    content.synced = content.length
    return true
  }

  rename(from: string, to: string): boolean {
    if (!this.#entries.has(from)) return false
    if (from === to) return true
    this.#change((entries) => {
      const content = entries.get(from)
      if (content === undefined) return
      entries.delete(from)
      entries.set(to, content)
    })
    return true
  }

  remove(name: string): void {
    if (this.#entries.has(name)) this.#change((entries) => entries.delete(name))
  }

  syncFolder(): void {
    for (const change of this.#changes) change(this.#durable)
    this.#changes = []
  }

  /** What the next process finds after a power failure. */
  losePower(): void {
    this.powerLosses += 1
    const kept = this.#random.between(0, this.#changes.length)
    for (const change of this.#changes.slice(0, kept)) change(this.#durable)
    this.#changes = []
    for (const content of new Set(this.#durable.values())) {
      const written = content.length
      content.length = content.synced + this.#random.between(0, written - content.synced)
      const torn = Math.min(content.length - content.synced, this.#random.between(0, 16))
      if (this.#random.chance(0.3)) content.bytes.fill(0, content.length - torn, content.length)
    }
    this.#entries = new Map(this.#durable)
  }

  #change(change: Change): void {
    change(this.#entries)
    this.#changes.push(change)
  }
}
