/**
 * A stream of JetStream and its durable consumers with pull and explicit acknowledgement, as nats-server keeps them: what is
 * not acknowledged within `ackWait` comes again, at most `maxDeliver` times, and at most `maxAckPending` are out at once.
 *
 * A message with an id that was published within the window is not stored again. Time is what `nowMillis` says.
 */
import { ChurningMap } from "../../domain/churn/ChurningMap.ts"
import { ChurningSet } from "../../domain/churn/ChurningSet.ts"

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
  /** Not acknowledged by then, it comes again. */
  dueMillis: number
}

const duplicateWindowDefault = 120_000

export class ConsumerModel {
  readonly options: ConsumerOptions
  readonly #stream: StreamModel
  readonly #nowMillis: () => number
  readonly #pending = new ChurningMap<number, Pending>()
  /** How often each was delivered; kept for what was given up. */
  readonly #deliveries = new ChurningMap<number, number>()
  /** What comes again at the next pull, in this order. */
  readonly #again = new ChurningSet<number>()
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
    // Only what was delivered is settled: there are no gaps from there on.
    return this.#stream.lastSequence - Math.max(this.#next, this.#stream.firstSequence) + 1
  }

  /** Also of what was delivered as often as it may, until somebody pulls. */
  get ackPendingCount(): number {
    return this.#pending.size
  }

  /** What comes again first, then new ones in their order. */
  pull(batch: number, bytesMax = Infinity): ReadonlyArray<Delivered> {
    this.#expire()
    const delivered: Array<Delivered> = []
    let bytes = 0
    const take = (message: StreamMessage): boolean => {
      if (delivered.length > 0 && bytes + message.data.length > bytesMax) return false
      bytes += message.data.length
      const deliveries = (this.#deliveries.get(message.sequence) ?? 0) + 1
      this.#deliveries.set(message.sequence, deliveries)
      this.#again.delete(message.sequence)
      this.#wait(message.sequence, this.options.ackWaitMillis)
      delivered.push({ message, deliveries })
      return true
    }
    for (const sequence of this.#again) {
      if (delivered.length >= batch) return delivered
      const message = this.#stream.get(sequence)
      if (message === undefined || this.#isExhausted(sequence)) this.#giveUp(sequence)
      else if (!take(message)) return delivered
    }
    while (delivered.length < batch && this.#pending.size < this.options.maxAckPending) {
      this.#next = Math.max(this.#next, this.#stream.firstSequence)
      const message = this.#stream.get(this.#next)
      if (message === undefined || !take(message)) return delivered
      this.#next += 1
    }
    return delivered
  }

  ack(sequence: number): void {
    this.term(sequence)
  }

  nak(sequence: number, delayMillis: number): void {
    this.#expire()
    if (!this.#pending.has(sequence)) return
    if (delayMillis <= 0) return void this.#again.add(sequence)
    this.#again.delete(sequence)
    this.#wait(sequence, delayMillis)
  }

  /** Also of a message that was given up: whoever has it may still say so. */
  term(sequence: number): void {
    if (!this.#deliveries.has(sequence)) return
    this.removed(sequence)
    this.#stream.settled(sequence)
  }

  /** By a limit of the stream. */
  removed(sequence: number): void {
    this.#giveUp(sequence)
    this.#deliveries.delete(sequence)
  }

  /** Starts `ackWait` anew. */
  inProgress(sequence: number): void {
    this.#expire()
    if (this.#pending.has(sequence)) this.#wait(sequence, this.options.ackWaitMillis)
  }

  #wait(sequence: number, millis: number): void {
    const dueMillis = this.#nowMillis() + millis
    this.#pending.set(sequence, { dueMillis })
    this.#dueMillis = Math.min(this.#dueMillis, dueMillis)
  }

  #giveUp(sequence: number): void {
    this.#pending.delete(sequence)
    this.#again.delete(sequence)
  }

  #isExhausted(sequence: number): boolean {
    const { maxDeliver } = this.options
    return maxDeliver >= 0 && (this.#deliveries.get(sequence) ?? 0) >= maxDeliver
  }

  #expire(): void {
    const now = this.#nowMillis()
    if (now < this.#dueMillis) return
    const due: Array<readonly [number, Pending]> = []
    this.#dueMillis = Infinity
    for (const one of this.#pending) {
      const [sequence, { dueMillis }] = one
      if (this.#again.has(sequence)) continue
      if (dueMillis <= now) due.push(one)
      else this.#dueMillis = Math.min(this.#dueMillis, dueMillis)
    }
    for (const [sequence] of due.toSorted((one, other) => one[1].dueMillis - other[1].dueMillis || one[0] - other[0])) {
      this.#again.add(sequence)
    }
  }
}

export class StreamModel {
  readonly #options: StreamOptions
  readonly #messages = new ChurningMap<number, StreamMessage>()
  readonly #ids = new ChurningMap<string, { readonly sequence: number; readonly atMillis: number }>()
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
    this.#forgetIds(now)
    const known = id === undefined ? undefined : this.#ids.get(id)
    if (known !== undefined) return { sequence: known.sequence, isDuplicate: true }
    this.#last += 1
    this.#messages.set(this.#last, { sequence: this.#last, subject, data, storedMillis: now })
    if (id !== undefined) this.#ids.set(id, { sequence: this.#last, atMillis: now })
    while (this.#messages.size > (this.#options.maxMessages ?? Infinity)) {
      for (const consumer of this.#consumers.values()) consumer.removed(this.#first)
      this.#remove(this.#first)
    }
    return { sequence: this.#last, isDuplicate: false }
  }

  /** Of before the window; the oldest come first. */
  #forgetIds(nowMillis: number): void {
    const since = nowMillis - (this.#options.duplicateWindowMillis ?? duplicateWindowDefault)
    for (const [id, { atMillis }] of this.#ids) {
      if (atMillis > since) return
      this.#ids.delete(id)
    }
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
