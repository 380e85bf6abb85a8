/**
 * Asks one durable consumer for messages: one request at a time, for as many as are wanted.
 *
 * A request ends when it is filled, when the stream has nothing more after the first messages, or after some time without
 * any; the server says each end but the first. Callbacks of the client must not throw: it would stop reading.
 */
import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node"

export interface DurablePullOptions {
  readonly nc: NatsConnection
  /** Where the requests go. */
  readonly subject: string
  /** The durable's own limits; infinite without them. */
  readonly batchMax: number
  readonly bytesMax: number
  readonly expiresMillisMax: number
  /** How long the server waits for the first message. */
  readonly waitMillis: number
  readonly now: () => number
  readonly onMessage: (msg: Msg) => void
  /** A request has ended, well or not. */
  readonly onEnd: () => void
  /** Empty when nobody takes requests at all. */
  readonly onFailure: (detail: string) => void
}

/** A request that brings nothing this soon was turned down, because others wait for the same messages. */
const refusedWithinMillis = 200
const pauseMillis = 100

const codes = { notFound: 404, timedOut: 408, conflict: 409, unanswered: 503 }

/** Conflicts that pass by themselves. */
const isBusy = (description: string): boolean =>
  /^exceeded max(waiting|ackpending)|shutdown|leadership/i.test(description)
/** The next message is larger than there was room for. */
const isTooLarge = (description: string): boolean => /exceeds maxbytes/i.test(description)

interface Request {
  readonly inbox: string
  readonly asked: number
  readonly askedAtMillis: number
  received: number
}

export class DurablePull {
  /** Whether the last request was filled: there may be more. */
  isHungry = true
  readonly #options: DurablePullOptions
  readonly #inbox = createInbox()
  readonly #subscription: Subscription
  #request: Request | undefined
  #count = 0
  #notBeforeMillis = 0
  #isAlone = false

  constructor(options: DurablePullOptions) {
    this.#options = options
    this.#subscription = options.nc.subscribe(`${this.#inbox}.*`, { callback: (error, msg) => this.#take(error, msg) })
    void this.#subscription.closed.then(() => options.onFailure("the connection was lost"))
  }

  /** Messages that may still come for the request that is open. */
  get outstanding(): number {
    return this.#request === undefined ? 0 : this.#request.asked - this.#request.received
  }

  /** Messages are coming in. */
  get isFlowing(): boolean {
    return this.#request !== undefined && this.#request.received > 0
  }

  get canAsk(): boolean {
    return this.#request === undefined && this.#options.now() >= this.#notBeforeMillis
  }

  ask(batch: number, bytesMax: number): void {
    this.#count += 1
    const inbox = `${this.#inbox}.${this.#count}`
    // A message that is too large for all limits must come alone some time.
    const asked = this.#isAlone ? 1 : Math.min(batch, this.#options.batchMax)
    const bytes = Math.min(this.#isAlone ? Number.POSITIVE_INFINITY : bytesMax, this.#options.bytesMax)
    const limit = bytes === Number.POSITIVE_INFINITY ? "" : `,"max_bytes":${bytes}`
    const expires = Math.min(this.#options.waitMillis, this.#options.expiresMillisMax)
    this.#isAlone = false
    this.#request = { inbox, asked, askedAtMillis: this.#options.now(), received: 0 }
    // With both, the server answers at once what there is, or else waits for the first.
    const payload = `{"batch":${asked}${limit},"no_wait":true,"expires":${expires * 1e6}}`
    this.#options.nc.publish(this.#options.subject, payload, { reply: inbox })
  }

  /** Takes what is on its way, then nothing more. */
  close(): Promise<void> {
    return this.#subscription.isClosed() ? Promise.resolve() : this.#subscription.drain()
  }

  #take(error: Error | null, msg: Msg): void {
    if (error !== null) return this.#options.onFailure(error.message)
    if (msg.reply !== undefined && msg.reply !== "") return this.#message(msg)
    if (msg.subject === this.#request?.inbox) this.#status(this.#request, msg)
  }

  #message(msg: Msg): void {
    this.#options.onMessage(msg)
    const request = this.#request
    if (request === undefined) return
    request.received += 1
    if (request.received >= request.asked) this.#end(true)
  }

  #status(request: Request, msg: Msg): void {
    const code = msg.headers?.code ?? 0
    const description = msg.headers?.description ?? ""
    if (code < 300) return
    // Since 2.10 said of a consumer that is gone; before, nothing was.
    if (code === codes.unanswered) return this.#options.onFailure("")
    if (code === codes.conflict && isTooLarge(description)) {
      if (request.asked === 1 && request.received === 0 && this.#options.bytesMax !== Number.POSITIVE_INFINITY) {
        return this.#options.onFailure(
          `the next message is larger than the durable's max_bytes of ${this.#options.bytesMax} lets through: raise it`
        )
      }
      this.#isAlone = request.received === 0
      return this.#end(true)
    }
    const isOver = code === codes.notFound || code === codes.timedOut ||
      (code === codes.conflict && isBusy(description))
    if (!isOver) return this.#options.onFailure(description === "" ? `status ${code}` : description.toLowerCase())
    const now = this.#options.now()
    if (request.received === 0 && now - request.askedAtMillis < refusedWithinMillis) {
      this.#notBeforeMillis = now + pauseMillis
    }
    this.#end(false)
  }

  #end(isHungry: boolean): void {
    this.isHungry = isHungry
    this.#request = undefined
    this.#options.onEnd()
  }
}
