/**
 * Which values form a batch, decided without time passing: one open batch per key and lane, closed by count, by bytes,
 * by the value itself or by age. The age counts from the first value of a batch; later values do not move it, so a
 * trickle cannot hold a batch open for ever.
 */

export type BatchTrigger = "size" | "bytes" | "timeout" | "flush" | "keys"

export interface BatchLimits<in V> {
  readonly size: number
  readonly timeoutMillis: number
  readonly bytesMax: number
  /** Not called when `bytesMax` is infinite. */
  readonly bytesOf: (value: V) => number
  /** A value that closes its batch at once. */
  readonly closes: (value: V) => boolean
  /** Open batches at once; opening one more closes the oldest. */
  readonly keysMax: number
}

/** A batch while it grows. `items` is what the caller keeps beside each value. */
export interface OpenBatch<V, Item> {
  readonly key: string
  readonly lane: number
  readonly values: Array<V>
  readonly items: Array<Item>
  readonly dueMillis: number
  bytes: number
}

export interface ClosedBatch<V, Item> {
  readonly trigger: BatchTrigger
  readonly batch: OpenBatch<V, Item>
}

/** Open batches, oldest first: every batch lives equally long, so the first one is always the first to fall due. */
export class BatchAccumulation<V, Item> {
  readonly #limits: BatchLimits<V>
  readonly #open = new Map<string, OpenBatch<V, Item>>()

  constructor(limits: BatchLimits<V>) {
    this.#limits = limits
  }

  /** When the oldest open batch falls due; `undefined` when none is open. */
  get dueMillis(): number | undefined {
    for (const batch of this.#open.values()) return batch.dueMillis
    return undefined
  }

  /** Adds a value, which may have to close its batch; answers the batches that this closed, in the order they are to be sent. */
  add(
    value: V,
    item: Item,
    key: string,
    lane: number,
    nowMillis: number,
    mustClose = false
  ): ReadonlyArray<ClosedBatch<V, Item>> {
    const id = `${lane}/${key}`
    // Both ask the user's functions, which may throw: before anything has changed.
    const bytes = this.#limits.bytesMax === Infinity ? 0 : this.#limits.bytesOf(value)
    const closes = this.#limits.closes(value) || mustClose
    let closed: Array<ClosedBatch<V, Item>> | undefined
    let batch = this.#open.get(id)
    if (batch !== undefined && batch.bytes + bytes > this.#limits.bytesMax) {
      closed = [this.#close(id, batch, "bytes")]
      batch = undefined
    }
    if (batch === undefined) {
      closed = this.#makeRoom(closed)
      batch = { key, lane, values: [], items: [], bytes: 0, dueMillis: nowMillis + this.#limits.timeoutMillis }
      this.#open.set(id, batch)
    }
    batch.values.push(value)
    batch.items.push(item)
    batch.bytes += bytes
    const trigger = this.#full(batch, closes)
    return trigger === undefined ? closed ?? none : [...(closed ?? none), this.#close(id, batch, trigger)]
  }

  /** Closes the batches that are due. */
  due(nowMillis: number): ReadonlyArray<ClosedBatch<V, Item>> {
    return this.#closeWhile("timeout", (batch) => batch.dueMillis <= nowMillis)
  }

  /** Closes everything. */
  flush(): ReadonlyArray<ClosedBatch<V, Item>> {
    return this.#closeWhile("flush", () => true)
  }

  #full(batch: OpenBatch<V, Item>, closes: boolean): BatchTrigger | undefined {
    if (batch.values.length >= this.#limits.size) return "size"
    if (batch.bytes >= this.#limits.bytesMax) return "bytes"
    return closes ? "flush" : undefined
  }

  #makeRoom(closed: Array<ClosedBatch<V, Item>> | undefined): Array<ClosedBatch<V, Item>> | undefined {
    if (this.#open.size < this.#limits.keysMax) return closed
    for (const [id, oldest] of this.#open) return [...(closed ?? none), this.#close(id, oldest, "keys")]
    return closed
  }

  #close(id: string, batch: OpenBatch<V, Item>, trigger: BatchTrigger): ClosedBatch<V, Item> {
    this.#open.delete(id)
    return { trigger, batch }
  }

  #closeWhile(
    trigger: BatchTrigger,
    isDue: (batch: OpenBatch<V, Item>) => boolean
  ): ReadonlyArray<ClosedBatch<V, Item>> {
    const closed: Array<ClosedBatch<V, Item>> = []
    for (const [id, batch] of this.#open) {
      if (!isDue(batch)) break
      closed.push(this.#close(id, batch, trigger))
    }
    return closed
  }
}

const none: ReadonlyArray<never> = []
