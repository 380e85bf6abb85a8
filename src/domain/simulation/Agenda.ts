/** What is to happen later: a heap by time, and by the order of arrival within one moment. */

export interface Appointment {
  readonly atMicros: number
  readonly cancel: () => void
}

interface Entry {
  readonly atMicros: number
  readonly order: number
  act: (() => void) | undefined
}

const isBefore = (one: Entry, other: Entry): boolean =>
  one.atMicros < other.atMicros || (one.atMicros === other.atMicros && one.order < other.order)

export class Agenda {
  readonly #heap: Array<Entry> = []
  #order = 0
  #cancelled = 0

  /** Without those that were cancelled. */
  get size(): number {
    return this.#heap.length - this.#cancelled
  }

  add(atMicros: number, act: () => void): Appointment {
    const entry: Entry = { atMicros, order: this.#order++, act }
    this.#heap.push(entry)
    this.#rise(this.#heap.length - 1)
    return {
      atMicros,
      cancel: () => {
        if (entry.act === undefined) return
        entry.act = undefined
        this.#cancelled += 1
        if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#sweep()
      }
    }
  }

  /** When the next one is; undefined when there is none. */
  get nextMicros(): number | undefined {
    this.#dropCancelled()
    return this.#heap[0]?.atMicros
  }

  /** Takes the next one out. */
  take(): (() => void) | undefined {
    this.#dropCancelled()
    const entry = this.#pop()
    const act = entry?.act
    if (entry !== undefined) entry.act = undefined
    return act
  }

  #dropCancelled(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].act === undefined) {
      this.#pop()
      this.#cancelled -= 1
    }
  }

  /** Timers are mostly cancelled, and would fill the heap until their time. */
  #sweep(): void {
    const left = this.#heap.filter(({ act }) => act !== undefined)
    this.#heap.length = 0
    this.#cancelled = 0
    for (const entry of left) {
      this.#heap.push(entry)
      this.#rise(this.#heap.length - 1)
    }
  }

  #pop(): Entry | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    this.#heap[0] = last
    this.#sink(0)
    return first
  }

  /** What is earlier goes up past what is later, until it stands where it belongs. */
  #rise(from: number): void {
    const heap = this.#heap
    const entry = heap[from]
    if (entry === undefined) return
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(entry, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = entry
  }

  #sink(from: number): void {
    const heap = this.#heap
    const entry = heap[from]
    if (entry === undefined) return
    let index = from
    while (true) {
      const left = 2 * index + 1
      const one = heap[left]
      if (one === undefined) break
      const other = heap[left + 1]
      const isOther = other !== undefined && isBefore(other, one)
      const least = isOther ? other : one
      if (!isBefore(least, entry)) break
      heap[index] = least
      index = isOther ? left + 1 : left
    }
    heap[index] = entry
  }
}
