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

type Change = (entries: Map<string, Content>) => void

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

  create(name: string): void {
    const content: Content = { bytes: Buffer.alloc(256), length: 0, synced: 0 }
    this.#change((entries) => entries.set(name, content))
  }

  /** False when there is no room. */
  append(name: string, bytes: Uint8Array): boolean {
    const content = this.#entries.get(name)
    if (content === undefined || this.isFull) return false
    const length = content.length + bytes.length
    if (length > content.bytes.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * content.bytes.length))
      content.bytes.copy(larger, 0, 0, content.length)
      content.bytes = larger
    }
    content.bytes.set(bytes, content.length)
    content.length = length
    return true
  }

  sync(name: string): void {
    const content = this.#entries.get(name)
    if (content !== undefined) content.synced = content.length
  }

  read(name: string, offset: number, length: number): Buffer | undefined {
    const content = this.#entries.get(name)
    if (content === undefined) return undefined
    return Buffer.from(content.bytes.subarray(offset, Math.min(content.length, offset + length)))
  }

  /** Cut and synced. */
  truncate(name: string, length: number): boolean {
    const content = this.#entries.get(name)
    if (content === undefined) return false
    content.length = Math.min(content.length, length)
    content.synced = content.length
    return true
  }

  rename(from: string, to: string): boolean {
    if (!this.#entries.has(from)) return false
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
