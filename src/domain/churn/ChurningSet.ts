/** A set whose members come and go for as long as a process lives, in the order in which they came: see ChurningMap. */

const goneLeast = 16

export class ChurningSet<in out A> {
  #members = new Set<A>()
  #gone = 0

  get size(): number {
    return this.#members.size
  }

  has(member: A): boolean {
    return this.#members.has(member)
  }

  add(member: A): void {
    this.#members.add(member)
  }

  /** Whether it was there. */
  delete(member: A): boolean {
    if (!this.#members.delete(member)) return false
    this.#gone += 1
    if (this.#gone >= goneLeast && this.#gone >= this.#members.size) {
      this.#members = new Set(this.#members)
      this.#gone = 0
    }
    return true
  }

  clear(): void {
    this.#members = new Set()
    this.#gone = 0
  }

  [Symbol.iterator](): SetIterator<A> {
    return this.#members.values()
  }
}
