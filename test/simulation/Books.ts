/** What has to come out even: statuses that pollers have taken upon themselves, and messages that were published. */
import type { World } from "../../src/services/simulation/World.ts"
import { numberIn } from "./Measurements.ts"

interface Owed {
  readonly number: number
  readonly atMillis: number
}

/** A status that was taken and is nowhere. */
export interface Lost extends Owed {
  readonly poller: string
  readonly check: string
}

/** How long before the end of a process or of the power what was taken may be gone with it. */
export const forgivenMillis = { killed: 150, powerLost: 2_500 }

/** No probe of a world says more: what is larger is somebody's of ill will, and holds no measurement. */
const honestBytesMax = 65_536

export class StatusBooks {
  readonly #world: World
  /** By poller and check: taken and not stored yet, in order. */
  readonly #owed = new Map<string, Map<string, Array<Owed>>>()
  /** What a process or the power may have taken along, and may still come. */
  readonly #gone = new Map<string, Set<number>>()
  readonly #last = new Map<string, number>()
  readonly #seen = new Set<string>()
  readonly #storedMillis = new Map<string, number>()
  accepted = 0
  /** With the number of a measurement, each once. */
  stored = 0
  /** Given up, and counted, by the poller. */
  dropped = 0

  constructor(world: World) {
    this.#world = world
  }

  take(poller: string, check: string, message: Uint8Array): void {
    if (message.length > honestBytesMax) return
    const number = numberIn(new TextDecoder().decode(message).replaceAll("\\", ""))
    if (number === undefined) return
    this.accepted += 1
    const checks = this.#owed.get(poller) ?? new Map<string, Array<Owed>>()
    this.#owed.set(poller, checks)
    const owed = checks.get(check) ?? []
    checks.set(check, owed)
    owed.push({ number, atMillis: this.#world.nowMillis })
  }

  store(poller: string, check: string, document: string): void {
    this.#storedMillis.set(check, this.#world.nowMillis)
    const number = numberIn(document)
    if (number === undefined) return
    const key = `${poller} ${check}`
    const name = `${key} ${number}`
    if (this.#seen.has(name)) return this.#world.violate("nothing is visible twice", `${name} was stored again`)
    this.#seen.add(name)
    this.stored += 1
    const last = this.#last.get(key) ?? 0
    if (number <= last) return this.#world.violate("order per check", `${name} was stored after ${last}`)
    this.#last.set(key, number)
    const owed = this.#owed.get(poller)?.get(check)
    const at = owed?.findIndex((one) => one.number === number) ?? -1
    if (at >= 0) owed?.splice(at, 1)
    else if (this.#gone.get(key)?.delete(number) !== true) {
      this.#world.violate("what is stored was taken by its poller", `${name} was not`)
    }
  }

  /** A poller has given it up, and says so. */
  drop(poller: string, check: string, message: Uint8Array): void {
    if (message.length > honestBytesMax) return
    const number = numberIn(new TextDecoder().decode(message).replaceAll("\\", ""))
    const owed = this.#owed.get(poller)?.get(check)
    const at = owed?.findIndex((one) => one.number === number) ?? -1
    if (at < 0) return
    owed?.splice(at, 1)
    this.dropped += 1
  }

  /** What was taken so shortly before may be gone. */
  forgive(poller: string, sinceMillis: number): void {
    for (const [check, owed] of this.#owed.get(poller) ?? []) {
      const kept = owed.filter(({ atMillis }) => atMillis < sinceMillis)
      const key = `${poller} ${check}`
      const gone = this.#gone.get(key) ?? new Set<number>()
      this.#gone.set(key, gone)
      for (const { atMillis, number } of owed) if (atMillis >= sinceMillis) gone.add(number)
      this.#owed.get(poller)?.set(check, kept)
    }
  }

  /** Where each that was taken is now. */
  get counts() {
    const count = (all: Iterable<Iterable<unknown>>): number =>
      [...all].reduce((sum, some) => sum + [...some].length, 0)
    return {
      taken: this.accepted,
      stored: this.stored,
      dropped: this.dropped,
      /** With a process or the power, which may take it along. */
      gone: count(this.#gone.values()),
      waiting: count([...this.#owed.values()].flatMap((checks) => [...checks.values()]))
    }
  }

  /** Taken before, and not stored. */
  lostBefore(millis: number): ReadonlyArray<Lost> {
    return [...this.#owed].flatMap(([poller, checks]) =>
      [...checks].flatMap(([check, owed]) =>
        owed.filter(({ atMillis }) => atMillis < millis).map((one) => ({ ...one, poller, check }))
      )
    )
  }

  /** Since core has stored a status of the check; infinite when it never has. */
  sinceStoredMillis(check: string): number {
    return this.#world.nowMillis - (this.#storedMillis.get(check) ?? -Infinity)
  }
}

/** The number that the body of an event ends with. */
const numberOf = (body: string): number => Number(body.slice(body.lastIndexOf(" ") + 1))

export class EventBooks {
  readonly #world: World
  /** A bit for each number. */
  #stored = new Uint8Array(1024)
  visible = 0
  published = 0
  /** Sequences of messages that are no events. */
  readonly undecodable = new Set<number>()

  constructor(world: World) {
    this.#world = world
  }

  store(body: string): void {
    if (this.isVisible(body)) return this.#world.violate("nothing is visible twice", `event ${body} is in two rows`)
    const number = numberOf(body)
    if (number >> 3 >= this.#stored.length) {
      const larger = new Uint8Array(2 * Math.max(this.#stored.length, number >> 3))
      larger.set(this.#stored)
      this.#stored = larger
    }
    this.#stored[number >> 3] = (this.#stored[number >> 3] ?? 0) | (1 << (number & 7))
    this.visible += 1
  }

  isVisible(body: string): boolean {
    const number = numberOf(body)
    return ((this.#stored[number >> 3] ?? 0) & (1 << (number & 7))) !== 0
  }
}
