/**
 * What waits, line by line: each line in the order in which it came, and the lines take turns, so that a newcomer waits
 * for at most one of each other line, however long they are.
 */
export class FairQueue<A> {
  /** In the order of their turns. */
  readonly #lines = new Map<string, Array<A>>()

  get isEmpty(): boolean {
    return this.#lines.size === 0
  }

  lines(): Iterable<string> {
    return this.#lines.keys()
  }

  add(line: string, one: A): void {
    const waiting = this.#lines.get(line)
    if (waiting === undefined) this.#lines.set(line, [one])
    else waiting.push(one)
  }

  /** The first of the line whose turn it is, which is the last from then on. */
  take(): A | undefined {
    for (const [line, waiting] of this.#lines) {
      const one = waiting.shift()
      this.#lines.delete(line)
      if (waiting.length > 0) this.#lines.set(line, waiting)
      return one
    }
    return undefined
  }
}
