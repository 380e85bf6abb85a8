/**
 * Files in memory that forget, when the machine loses its power, what was not synced; and that can be stopped between any
 * two steps, in the middle of one too, as a process is that is killed.
 */
import { Effect } from "effect"
import { BufferFault, type SegmentFiles } from "../../../../src/layers/poller/buffer/SegmentFiles.ts"

interface Contents {
  synced: Uint8Array
  /** Appended since. */
  unsynced: Uint8Array
}

type Directory = ReadonlyMap<string, Contents>

/** From 0 to 1, the same for the same seed. */
export type Chance = () => number

export const chanceOf = (seed: number): Chance => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const concat = (one: Uint8Array, other: Uint8Array): Uint8Array => new Uint8Array(Buffer.concat([one, other]))

const whole = ({ synced, unsynced }: Contents): Uint8Array => concat(synced, unsynced)

export class CrashingFiles {
  steps = 0
  isDown = false
  /** Takes nothing more, or a part. */
  isFull = false
  private current = new Map<string, Contents>()
  private durable: Directory = new Map()
  private readonly chance: Chance
  /** The step in which it is stopped, from 1. */
  private readonly downAt: number

  constructor(chance: Chance, downAt: number, contents: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.chance = chance
    this.downAt = downAt
    for (const [name, bytes] of contents) this.current.set(name, { synced: bytes, unsynced: new Uint8Array() })
    this.durable = new Map(this.current)
  }

  /** What a process finds after this one was killed. */
  afterKill(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.current].map(([name, contents]) => [name, whole(contents)]))
  }

  /** What is found after a power failure: of what was not synced something, or nothing, or garbage. */
  afterPowerFailure(): ReadonlyMap<string, Uint8Array> {
    const left = new Map<string, Uint8Array>()
    for (const name of new Set([...this.durable.keys(), ...this.current.keys()])) {
      const contents = (this.chance() < 0.5 ? this.current : this.durable).get(name)
      if (contents === undefined) continue
      const kept = contents.unsynced.slice(0, Math.floor(this.chance() * (contents.unsynced.length + 1)))
      // Pages come to the disk in any order.
      if (this.chance() < 0.3) kept.fill(0, Math.floor(this.chance() * kept.length))
      left.set(name, concat(contents.synced, kept))
    }
    return left
  }

  private readonly step = <A>(what: string, work: (isCut: boolean) => A): Effect.Effect<A, BufferFault> =>
    Effect.suspend(() => {
      const fault = new BufferFault({ path: "memory", step: what, detail: "the process is gone", isAbsent: false })
      if (this.isDown) return Effect.fail(fault)
      this.steps += 1
      if (this.steps < this.downAt) return Effect.succeed(work(false))
      this.isDown = true
      if (this.chance() < 0.5) work(true)
      return Effect.fail(fault)
    })

  private readonly whenRoom = (what: string, work: Effect.Effect<void, BufferFault>, part: () => void) =>
    Effect.suspend(() => {
      if (!this.isFull || this.isDown) return work
      part()
      return Effect.fail(new BufferFault({ path: "memory", step: what, detail: "no space left", isAbsent: false }))
    })

  readonly files: SegmentFiles = {
    folder: "memory",
    hold: Effect.void,
    list: this.step(
      "list",
      () => [...this.current].map(([name, contents]) => ({ name, bytes: whole(contents).length }))
    ),
    create: (name) =>
      Effect.map(
        this.step("create", () => {
          const contents: Contents = { synced: new Uint8Array(), unsynced: new Uint8Array() }
          this.current.set(name, contents)
          return contents
        }),
        (contents) => ({
          append: (bytes) => {
            const appendPart = () => {
              const end = Math.floor(this.chance() * (bytes.length + 1))
              contents.unsynced = concat(contents.unsynced, bytes.subarray(0, end))
            }
            const append = this.step("append", (isCut) => {
              if (isCut) appendPart()
              else contents.unsynced = concat(contents.unsynced, bytes)
            })
            // The last byte would make it a whole one.
            return this.whenRoom("append", append, () => (bytes = bytes.subarray(0, -1), appendPart()))
          },
          sync: this.step("sync", () => {
            contents.synced = whole(contents)
            contents.unsynced = new Uint8Array()
          }),
          close: Effect.void
        })
      ),
    read: (name, offset, length) =>
      this.step("read", () => {
        const contents = this.current.get(name)
        return contents === undefined ? new Uint8Array() : whole(contents).slice(offset, offset + length)
      }),
    truncate: (name, bytes) =>
      this.step("truncate", () => {
        const contents = this.current.get(name)
        if (contents === undefined) return
        contents.synced = whole(contents).slice(0, bytes)
        contents.unsynced = new Uint8Array()
      }),
    rename: (from, to) =>
      this.step("rename", () => {
        const contents = this.current.get(from)
        if (contents === undefined) return
        this.current.delete(from)
        this.current.set(to, contents)
      }),
    remove: (name) =>
      this.step("remove", () => {
        this.current.delete(name)
      }),
    syncFolder: this.step("syncFolder", () => {
      this.durable = new Map(this.current)
    })
  }
}
