/**
 * One direction between two hosts: how long what is sent is on its way, and whether it arrives.
 */
import type { Seeded } from "../../domain/simulation/Seeded.ts"
import type { Surroundings } from "./WorldParts.ts"

export interface LinkQuality {
  readonly latencyMillis: number
  /** Added to the latency, between none and so much. */
  readonly jitterMillis: number
  /** Of packets, from 0 to 1. */
  readonly lossRate: number
  /** Of datagrams that come twice. */
  readonly duplicateRate: number
  /** Of datagrams that are held up, so that later ones overtake them. */
  readonly reorderRate: number
  readonly bytesPerSecond: number
}

export const lan: LinkQuality = {
  latencyMillis: 0.5,
  jitterMillis: 0.5,
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  bytesPerSecond: 100_000_000
}

/** As Linux repeats a segment: doubled each time, and given up after about fifteen minutes. */
const retransmission = { firstMillis: 200, mostMillis: 60_000, givenUpMillis: 900_000 }

/** How long one that is overtaken is held up, in latencies. */
const heldUp = 4

export interface Sent {
  readonly bytes: number
  readonly arrive: () => void
}

interface Ends {
  readonly from: string
  readonly to: string
  readonly quality: LinkQuality
}

export class Link {
  readonly from: string
  readonly to: string
  quality: LinkQuality
  readonly #usual: LinkQuality
  readonly #world: Surroundings
  readonly #random: Seeded
  #cuts = 0
  /** When the line is free again. */
  #freeMicros = 0

  constructor(world: Surroundings, random: Seeded, { from, quality, to }: Ends) {
    this.#world = world
    this.#random = random
    this.from = from
    this.to = to
    this.quality = quality
    this.#usual = quality
  }

  get isCut(): boolean {
    return this.#cuts > 0
  }

  /** Several may have cut it; it is whole when all have mended it. */
  cut(): void {
    this.#cuts += 1
  }

  mend(): void {
    this.#cuts = Math.max(0, this.#cuts - 1)
  }

  restore(): void {
    this.quality = this.#usual
  }

  /** Lost, late or doubled. */
  datagram(bytes: number, deliver: () => void): void {
    const { duplicateRate, latencyMillis, lossRate, reorderRate } = this.quality
    const copies = this.#random.chance(duplicateRate) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.isCut || this.#random.chance(lossRate)) continue
      const late = this.#random.chance(reorderRate) ? heldUp * latencyMillis * 1_000 : 0
      this.#world.afterMicros(this.#onItsWay(bytes) + late, deliver)
    }
  }

  /** How long it is on its way, in microseconds; undefined when it is lost. */
  attempt(bytes: number): number | undefined {
    return this.isCut || this.#random.chance(this.quality.lossRate) ? undefined : this.#onItsWay(bytes)
  }

  /** In order and once: what comes after a loss waits for it. `broken` when something was given up. */
  lane(broken: () => void): (sent: Sent) => void {
    const queue: Array<Sent> = []
    let arrivesMicros = 0
    let waitMillis = retransmission.firstMillis
    let lostMicros: number | undefined
    const pump = (): void => {
      for (let head = queue[0]; head !== undefined; head = queue[0]) {
        const { arrive, bytes } = head
        const now = this.#world.nowMicros
        const delay = this.attempt(bytes)
        if (delay === undefined) {
          lostMicros ??= now
          if (now - lostMicros > retransmission.givenUpMillis * 1_000) {
            queue.length = 0
            return broken()
          }
          this.#world.after(waitMillis, pump)
          waitMillis = Math.min(2 * waitMillis, retransmission.mostMillis)
          return
        }
        queue.shift()
        lostMicros = undefined
        waitMillis = retransmission.firstMillis
        arrivesMicros = Math.max(arrivesMicros, now + delay)
        this.#world.afterMicros(arrivesMicros - now, arrive)
      }
    }
    return (sent) => {
      queue.push(sent)
      if (queue.length === 1) pump()
    }
  }

  #onItsWay(bytes: number): number {
    const { bytesPerSecond, jitterMillis, latencyMillis } = this.quality
    const takes = bytes * 1_000_000 / bytesPerSecond
    const begins = Math.max(this.#world.nowMicros, this.#freeMicros)
    this.#freeMicros = begins + takes
    const delay = (latencyMillis + jitterMillis * this.#random.next()) * 1_000
    return Math.ceil(begins + takes + delay - this.#world.nowMicros)
  }
}
