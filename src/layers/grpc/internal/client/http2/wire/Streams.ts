/** The calls of a session: those that are open at the peer, and those that it has no place for now. */
import type { OutgoingHttpHeaders } from "node:http2"
import { OpenStreams } from "./OpenStreams.ts"
import type { Sending } from "./Sending.ts"
import * as WireStream from "./WireStream.ts"

const idMax = 2 ** 31 - 1

const nothing = Buffer.alloc(0)

export class Streams {
  readonly #sending: Sending
  readonly #open = new OpenStreams()
  /** With their headers. */
  readonly #waiting = new Map<WireStream.WireStream, OutgoingHttpHeaders>()
  #nextId = 1
  #openMax = Infinity

  constructor(sending: Sending) {
    this.#sending = sending
  }

  get size(): number {
    return this.#open.size + this.#waiting.size
  }

  /** There are no numbers left for more. */
  get isSpent(): boolean {
    return this.#nextId > idMax
  }

  open(): Iterable<WireStream.WireStream> {
    return this.#open
  }

  get(id: number): WireStream.WireStream | undefined {
    return this.#open.get(id)
  }

  has(id: number): boolean {
    return this.#open.get(id) !== undefined
  }

  /** Whether it is the number of a call that was open once. */
  isPast(id: number): boolean {
    return id % 2 === 1 && id < this.#nextId
  }

  add(
    headers: OutgoingHttpHeaders,
    body: Buffer | undefined,
    listener: WireStream.StreamListener
  ): WireStream.WireStream {
    const stream = WireStream.make(listener, body)
    if (this.#open.size >= this.#openMax) this.#waiting.set(stream, headers)
    else this.#begin(stream, headers)
    return stream
  }

  /** Goes on with a request that was begun without a body; what is behind it follows once `sent` has been called. */
  send(stream: WireStream.WireStream, parts: ReadonlyArray<Buffer>, isEnd: boolean, sent: () => void): void {
    const [first, ...later] = parts.filter(({ length }) => length > 0)
    stream.rest = first ?? (isEnd ? nothing : undefined)
    stream.later = later
    stream.isOpen = !isEnd
    stream.sent = sent
    if (stream.id > 0) this.#sending.sendBody(stream)
  }

  /** Whether it was open. */
  remove(stream: WireStream.WireStream): boolean {
    if (this.#waiting.size > 0) this.#waiting.delete(stream)
    return this.#open.remove(stream.id)
  }

  /** So many may be open at once. */
  limit(most: number): void {
    this.#openMax = most
  }

  /** As many of those that wait as there are places. */
  openWaiting(): void {
    if (this.#waiting.size === 0) return
    for (const [stream, headers] of this.#waiting) {
      if (this.#open.size >= this.#openMax) return
      this.#waiting.delete(stream)
      this.#begin(stream, headers)
    }
  }

  /** There is more room for what calls have still to send. */
  sendMore(): void {
    for (const stream of this.#open) if (stream.rest !== undefined) this.#sending.sendBody(stream)
  }

  /** Those that a peer has not begun whose last call is this one; they are calls no more. */
  takeUnseen(last: number): ReadonlyArray<WireStream.WireStream> {
    const unseen = this.#open.takeAbove(last)
    const waiting = [...this.#waiting.keys()]
    this.#waiting.clear()
    return [...unseen, ...waiting]
  }

  #begin(stream: WireStream.WireStream, headers: OutgoingHttpHeaders): void {
    stream.id = this.#nextId
    this.#nextId += 2
    this.#open.push(stream)
    this.#sending.open(stream, headers)
  }
}
