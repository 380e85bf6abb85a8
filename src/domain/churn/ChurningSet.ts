/** A set whose members come and go for as long as a process lives, in the order in which they came: see ChurningMap. */
import { ChurningMap } from "./ChurningMap.ts"

export class ChurningSet<in out A> {
  readonly #members = new ChurningMap<A, true>()

  get size(): number {
    return this.#members.size
  }

  has(member: A): boolean {
    return this.#members.has(member)
  }

  add(member: A): void {
    this.#members.set(member, true)
  }

  /** Whether it was there. */
  delete(member: A): boolean {
    return this.#members.delete(member)
  }

  clear(): void {
    this.#members.clear()
  }

  [Symbol.iterator](): MapIterator<A> {
    return this.#members.keys()
  }
}
