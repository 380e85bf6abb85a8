/**
 * A map whose entries come and go for as long as a process lives, in the order in which they came.
 *
 * As with a Ring, the reason is the tables that V8 replaces: each refers to the next one, and everything that was ever in
 * those after one that has become old stays until a long collection. Here a new map takes the place of the old one before V8
 * would replace its table, and nothing refers from the one to the other.
 *
 * Whoever goes through it may take out the entry that is at hand, and change nothing else meanwhile.
 */

/** A map of a few entries is not made anew each time that it is empty. */
const goneLeast = 16

export class ChurningMap<in out K, in out V> {
  #entries = new Map<K, V>()
  #gone = 0

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  set(key: K, value: V): void {
    this.#entries.set(key, value)
  }

  /** Whether it was there. */
  delete(key: K): boolean {
    if (!this.#entries.delete(key)) return false
    this.#gone += 1
    if (this.#gone >= goneLeast && this.#gone >= this.#entries.size) {
      this.#entries = new Map(this.#entries)
      this.#gone = 0
    }
    return true
  }

  clear(): void {
    this.#entries = new Map()
    this.#gone = 0
  }

  keys(): MapIterator<K> {
    return this.#entries.keys()
  }

  values(): MapIterator<V> {
    return this.#entries.values()
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#entries.entries()
  }
}
