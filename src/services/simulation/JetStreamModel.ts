/**
 * A stream of JetStream and its durable consumers with pull and explicit acknowledgement, as nats-server keeps them: what is
 * not acknowledged within `ackWait` comes again, at most `maxDeliver` times, and at most `maxAckPending` are out at once.
 *
 * A message with an id that was published within the window is not stored again. Time is what `nowMillis` says.
 */

export interface StreamMessage {
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  readonly storedMillis: number
}

export interface Published {
  readonly sequence: number
  readonly isDuplicate: boolean
}

export interface StreamOptions {
  readonly nowMillis: () => number
  /** 2 minutes unless told. */
  readonly duplicateWindowMillis?: number
  /** The oldest go when there are more. Without limit unless told. */
  readonly maxMessages?: number
  /** `workqueue`: a message goes when it is acknowledged or given up. `limits` unless told. */
  readonly retention?: "limits" | "workqueue"
}

export interface ConsumerOptions {
  readonly ackWaitMillis: number
  /** Without limit when -1. */
  readonly maxDeliver: number
  readonly maxAckPending: number
}

export interface Delivered {
  readonly message: StreamMessage
  /** 1 at the first delivery. */
  readonly deliveries: number
}

interface Pending {
  deliveries: number
  /** It comes again at this time. */
  dueMillis: number
}

const duplicateWindowDefault = 120_000

export class ConsumerModel {
  readonly options: ConsumerOptions
  readonly #stream: StreamModel
  readonly #nowMillis: () => number
  readonly #pending = new Map<number, Pending>()
  /** Nothing is due before. */
  #dueMillis = Infinity
  #next = 1

  constructor(stream: StreamModel, options: ConsumerOptions, nowMillis: () => number) {
    this.#stream = stream
    this.options = options
    this.#nowMillis = nowMillis
  }

  /** Of messages that were never delivered. */
  get pendingCount(): number {
    return this.#stream.lastSequence - Math.max(this.#next, this.#stream.firstSequence) + 1
  }

  get ackPendingCount(): number {
    return this.#pending.size
  }

  /** Redeliveries that are due first, then new ones in their order. */
  pull(batch: number, bytesMax = Infinity): ReadonlyArray<Delivered> {
    const delivered: Array<Delivered> = []
    let bytes = 0
    const take = (message: StreamMessage, pending: Pending): boolean => {
      if (delivered.length > 0 && bytes + message.data.length > bytesMax) return false
      bytes += message.data.length
      pending.deliveries += 1
      pending.dueMillis = this.#nowMillis() + this.options.ackWaitMillis
      this.#dueMillis = Math.min(this.#dueMillis, pending.dueMillis)
      this.#pending.set(message.sequence, pending)
      delivered.push({ message, deliveries: pending.deliveries })
      return true
    }
    for (const [sequence, pending] of this.#due()) {
      if (delivered.length >= batch) return delivered
      const message = this.#stream.get(sequence)
      if (message === undefined || this.#isExhausted(pending)) this.#pending.delete(sequence)
      else if (!take(message, pending)) return delivered
    }
    while (delivered.length < batch && this.#pending.size < this.options.maxAckPending) {
      this.#next = Math.max(this.#next, this.#stream.firstSequence)
      const message = this.#stream.get(this.#next)
      if (message === undefined || !take(message, { deliveries: 0, dueMillis: 0 })) return delivered
      this.#next += 1
    }
    return delivered
  }

  ack(sequence: number): void {
    this.term(sequence)
  }

  nak(sequence: number, delayMillis: number): void {
    const pending = this.#pending.get(sequence)
    if (pending === undefined) return
    pending.dueMillis = this.#nowMillis() + delayMillis
    this.#dueMillis = Math.min(this.#dueMillis, pending.dueMillis)
  }

  term(sequence: number): void {
    if (this.#pending.delete(sequence)) this.#stream.settled(sequence)
  }

  /** By a limit of the stream. */
  removed(sequence: number): void {
    this.#pending.delete(sequence)
  }

  /** Starts `ackWait` anew. */
  inProgress(sequence: number): void {
    const pending = this.#pending.get(sequence)
    if (pending !== undefined) pending.dueMillis = this.#nowMillis() + this.options.ackWaitMillis
  }

  #isExhausted({ deliveries }: Pending): boolean {
    return this.options.maxDeliver >= 0 && deliveries >= this.options.maxDeliver
  }

  #due(): ReadonlyArray<readonly [number, Pending]> {
    const now = this.#nowMillis()
    if (now < this.#dueMillis) return []
    const due = [...this.#pending].filter(([, { dueMillis }]) => dueMillis <= now)
    this.#dueMillis = Infinity
    for (const { dueMillis } of this.#pending.values()) this.#dueMillis = Math.min(this.#dueMillis, dueMillis)
    return due.toSorted((one, other) => one[1].dueMillis - other[1].dueMillis || one[0] - other[0])
  }
}

export class StreamModel {
  readonly #options: StreamOptions
  readonly #messages = new Map<number, StreamMessage>()
  readonly #ids = new Map<string, { readonly sequence: number; readonly atMillis: number }>()
  readonly #consumers = new Map<string, ConsumerModel>()
  #last = 0
  #first = 1

  constructor(options: StreamOptions) {
    this.#options = options
  }

  get lastSequence(): number {
    return this.#last
  }

  get size(): number {
    return this.#messages.size
  }

  /** Of the oldest message, or of the next one when there is none. */
  get firstSequence(): number {
    return this.#first
  }

  publish(subject: string, data: Uint8Array, id?: string): Published {
    const now = this.#options.nowMillis()
    const known = id === undefined ? undefined : this.#ids.get(id)
    if (known !== undefined && now - known.atMillis < (this.#options.duplicateWindowMillis ?? duplicateWindowDefault)) {
      return { sequence: known.sequence, isDuplicate: true }
    }
    this.#last += 1
    this.#messages.set(this.#last, { sequence: this.#last, subject, data, storedMillis: now })
    if (id !== undefined) this.#ids.set(id, { sequence: this.#last, atMillis: now })
    while (this.#messages.size > (this.#options.maxMessages ?? Infinity)) {
      for (const consumer of this.#consumers.values()) consumer.removed(this.#first)
      this.#remove(this.#first)
    }
    return { sequence: this.#last, isDuplicate: false }
  }

  /** By a consumer. */
  settled(sequence: number): void {
    if (this.#options.retention === "workqueue") this.#remove(sequence)
  }

  #remove(sequence: number): void {
    this.#messages.delete(sequence)
    while (this.#first <= this.#last && !this.#messages.has(this.#first)) this.#first += 1
  }

  get(sequence: number): StreamMessage | undefined {
    return this.#messages.get(sequence)
  }

  /** The one of that name as it is, or a new one. */
  consumer(name: string, options: ConsumerOptions): ConsumerModel {
    const found = this.#consumers.get(name)
    if (found !== undefined) return found
    const made = new ConsumerModel(this, options, this.#options.nowMillis)
    this.#consumers.set(name, made)
    return made
  }
}
