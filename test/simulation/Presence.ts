/** Who is there, as core says it, and as it is. */
import type { World } from "../../src/services/simulation/World.ts"
import type { ToldChange } from "../../src/services/telemetry/PollerObserver.ts"

/** Four intervals, as a poller is missed that says how often it reports. */
const missedAfter = 4
/** Clocks may drift, and core looks every five seconds. */
const earlyMillis = 1_000
const lookMillis = 10_000
/** What was begun before something was in the way may end after it. */
const settledMillis = 60_000

export class Presence {
  readonly #world: World
  readonly #intervalsOf: (poller: string) => readonly [least: number, most: number]
  /** Of each poller, when core has last stored anything of it. */
  readonly #heardMillis = new Map<string, number>()
  readonly #told = new Map<string, { readonly current: ToldChange["current"]; readonly atMillis: number }>()
  /** Those of whom the store knows that they are missed. */
  readonly #noted = new Set<string>()

  /** `intervalsOf`: what a poller may say of how often it reports. */
  constructor(world: World, intervalsOf: (poller: string) => readonly [least: number, most: number]) {
    this.#world = world
    this.#intervalsOf = intervalsOf
  }

  /** A report of this poller is stored, also an empty one. */
  heard(poller: string): void {
    this.#heardMillis.set(poller, this.#world.nowMillis)
  }

  /** That this poller is missed is in the store. */
  noted(poller: string): void {
    this.#noted.add(poller)
  }

  /**
   * Core says that a poller has come, goes or is back. What was sent to a database that stood still may be stored when core
   * has long given it up, so only what it says when it was left alone for so long is judged.
   */
  told({ current, pollerId }: Pick<ToldChange, "current" | "pollerId">, sinceMillis: number): void {
    this.#told.set(pollerId, { current, atMillis: this.#world.nowMillis })
    if (current === "healthy") this.#noted.delete(pollerId)
    const silence = this.#silenceMillis(pollerId)
    const [least] = this.#intervalsOf(pollerId)
    const isEarly = silence < missedAfter * least - earlyMillis
    if (current !== "unhealthy" || !isEarly || sinceMillis <= silence + settledMillis) return
    this.#world.violate(
      "core misses no poller that reports",
      `${pollerId} was stored ${(silence / 1_000).toFixed(1)} s ago and is said to be away`
    )
  }

  /** Asked while core was left alone for so long. */
  look(poller: string, sinceMillis: number): void {
    const silence = this.#silenceMillis(poller)
    const [, most] = this.#intervalsOf(poller)
    const due = missedAfter * most + lookMillis
    if (
      !Number.isFinite(silence) || Math.min(silence, sinceMillis) <= due ||
      this.#told.get(poller)?.current === "unhealthy"
    ) {
      return
    }
    this.#world.violate(
      "core says in time that a poller is away",
      `nothing of ${poller} was stored for ${(silence / 1_000).toFixed(1)} s`
    )
  }

  /**
   * Those that core says are away, or has never heard of; core was left alone for so long. What it has said before without the
   * store, which was away, nobody knows when it is killed.
   */
  away(pollers: ReadonlyArray<string>, sinceMillis: number): ReadonlyArray<string> {
    return pollers.filter((poller) => {
      if (!this.#heardMillis.has(poller)) return true
      const told = this.#told.get(poller)
      if (told?.current !== "unhealthy") return false
      return this.#noted.has(poller) || this.#world.nowMillis - told.atMillis <= sinceMillis
    })
  }

  #silenceMillis(poller: string): number {
    return this.#world.nowMillis - (this.#heardMillis.get(poller) ?? -Infinity)
  }
}
