/** The slots of a pool: by what is asked of them, and by the names that their children have. */
import * as CheckerId from "../../domain/monitoring/checks/CheckerId.ts"
import type { CheckRequest } from "../monitoring/Prober.ts"
import * as Slot from "./CheckerSlot.ts"
import type { CheckerSlot } from "./CheckerSlot.ts"

export class CheckerSlots {
  readonly #byKey = new Map<string, CheckerSlot>()
  readonly #byId = new Map<string, CheckerSlot>()
  readonly #aside = new Set<CheckerSlot>()
  #renamed = 0

  get size(): number {
    return this.#byKey.size + this.#aside.size
  }

  find(key: string): CheckerSlot | undefined {
    return this.#byKey.get(key)
  }

  /** A copy: slots come and go while it is read. */
  where(holds: (slot: CheckerSlot) => boolean): ReadonlyArray<CheckerSlot> {
    const found: Array<CheckerSlot> = []
    for (const slot of this.#byKey.values()) if (holds(slot)) found.push(slot)
    for (const slot of this.#aside) if (holds(slot)) found.push(slot)
    return found
  }

  add(key: string, request: CheckRequest): CheckerSlot {
    const name = CheckerId.make(request)
    const id = this.#byId.has(name) ? `${name}#${++this.#renamed}` : name
    const slot = Slot.make(id, key, request)
    this.#byKey.set(key, slot)
    this.#byId.set(id, slot)
    return slot
  }

  /** Nobody finds it by what is asked any more, but it is looked at as all others until it is forgotten. */
  setAside(slot: CheckerSlot): void {
    if (this.#byKey.get(slot.key) !== slot) return
    this.#byKey.delete(slot.key)
    this.#aside.add(slot)
  }

  /** A slot is forgotten once, so that a late end of an abandoned checker does not touch its successor. */
  forget(slot: CheckerSlot): void {
    this.#aside.delete(slot)
    if (this.#byKey.get(slot.key) === slot) this.#byKey.delete(slot.key)
  }

  /** Its name is free again, unless a successor has it. */
  freeId(slot: CheckerSlot): void {
    if (this.#byId.get(slot.id) === slot) this.#byId.delete(slot.id)
  }

  /** The checker asked longest ago of those that have nothing to do. */
  oldestIdle(): CheckerSlot | undefined {
    let oldest: CheckerSlot | undefined
    for (const slot of this.#byKey.values()) {
      if (slot.waiting === undefined && (oldest === undefined || slot.askedMillis < oldest.askedMillis)) oldest = slot
    }
    return oldest
  }
}
