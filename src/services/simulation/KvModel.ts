/**
 * A bucket of keys with one value each, as JetStream keeps them: every change has the next revision, a value may be written
 * on condition of the revision that is there, and what is older than the bucket lets it be is gone.
 *
 * A revision that only grows is what a lease wants for a fencing token. Time is what `nowMillis` says.
 */

export interface KvEntry {
  readonly key: string
  readonly value: string
  readonly revision: number
  /** A mark that it was there: as good as nothing to whoever reads, and a revision to whoever watches. */
  readonly isDeleted: boolean
  readonly writtenMillis: number
}

export interface KvOptions {
  readonly nowMillis: () => number
  /** How long a value is there. Without limit unless told. */
  readonly ttlMillis?: number
}

export class KvModel {
  readonly #options: KvOptions
  readonly #entries = new Map<string, KvEntry>()
  readonly #listeners = new Set<(entry: KvEntry) => void>()
  #revision = 0

  constructor(options: KvOptions) {
    this.#options = options
  }

  /** Undefined where there is no value. */
  get(key: string): KvEntry | undefined {
    const entry = this.#current(key)
    return entry === undefined || entry.isDeleted ? undefined : entry
  }

  keys(): ReadonlyArray<string> {
    return [...this.#entries.keys()].filter((key) => this.get(key) !== undefined)
  }

  /** Answers the new revision. */
  put(key: string, value: string): number {
    return this.#write(key, value, false)
  }

  /** Undefined where there is a value. */
  create(key: string, value: string): number | undefined {
    return this.get(key) === undefined ? this.put(key, value) : undefined
  }

  /** Undefined where the latest revision of the key, that of a mark too, is another one; 0 stands for none. */
  update(key: string, value: string, revision: number): number | undefined {
    return (this.#current(key)?.revision ?? 0) === revision ? this.put(key, value) : undefined
  }

  /** Leaves a mark, also where there was nothing; false where the latest revision is another one than was told. */
  delete(key: string, revision?: number): boolean {
    if (revision !== undefined && (this.#current(key)?.revision ?? 0) !== revision) return false
    this.#write(key, "", true)
    return true
  }

  /** Told of each change from now on; answers how to stop that. What gets too old is not told of. */
  watch(listener: (entry: KvEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #current(key: string): KvEntry | undefined {
    const entry = this.#entries.get(key)
    const { nowMillis, ttlMillis = Infinity } = this.#options
    if (entry === undefined || nowMillis() - entry.writtenMillis < ttlMillis) return entry
    this.#entries.delete(key)
    return undefined
  }

  #write(key: string, value: string, isDeleted: boolean): number {
    this.#revision += 1
    const entry = { key, value, revision: this.#revision, isDeleted, writtenMillis: this.#options.nowMillis() }
    this.#entries.set(key, entry)
    for (const listener of this.#listeners) listener(entry)
    return this.#revision
  }
}
