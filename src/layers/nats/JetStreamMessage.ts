/**
 * A message as a pull consumer of JetStream delivered it, and what it settles with.
 *
 * Read at a rate of many thousands per second, so what few ask for (the headers, the subject as text) is made when asked
 * for. Which delivery of what it is stands in the subject to reply to, also on servers that know no newer form.
 */
import type { Msg } from "@nats-io/transport-node"
import { Duration, Result } from "effect"
import type { EventMessage } from "../../domain/events/EventMessage.ts"
import type { Delivery } from "../../services/event-writer/EventSource.ts"

const noHeaders: ReadonlyMap<string, string> = new Map()
const noValues: ReadonlyArray<readonly [name: string, value: string]> = []

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const acknowledgement = encode("+ACK")
const refusal = encode("-NAK")
const termination = encode("+TERM")
const progress = encode("+WPI")

export class JetStreamMessage implements EventMessage {
  readonly stream: string
  readonly sequence: number
  readonly storedAtMicros: number
  readonly #msg: Msg
  #headers: ReadonlyMap<string, string> | undefined

  constructor(msg: Msg, stream: string, sequence: number, storedAtMicros: number) {
    this.#msg = msg
    this.stream = stream
    this.sequence = sequence
    this.storedAtMicros = storedAtMicros
  }

  get subject(): string {
    return this.#msg.subject
  }

  get data(): Uint8Array {
    return this.#msg.data
  }

  get headers(): ReadonlyMap<string, string> {
    this.#headers ??= this.#first()
    return this.#headers
  }

  /** Each value of each header, with the names as they were written. */
  get headerValues(): ReadonlyArray<readonly [name: string, value: string]> {
    // What the client cannot read as headers is none.
    const headers = Result.getOrElse(Result.try(() => this.#msg.headers), () => undefined)
    return headers === undefined ?
      noValues :
      [...headers].flatMap(([name, values]) => values.map((value): readonly [string, string] => [name, value]))
  }

  #first(): ReadonlyMap<string, string> {
    const values = this.headerValues
    if (values.length === 0) return noHeaders
    const first = new Map<string, string>()
    for (const [name, value] of values) {
      const lower = name.toLowerCase()
      if (!first.has(lower)) first.set(lower, value)
    }
    return first
  }
}

export class JetStreamDelivery implements Delivery {
  readonly message: JetStreamMessage
  readonly deliveries: number
  readonly isForeign: boolean
  readonly #msg: Msg

  constructor(msg: Msg, message: JetStreamMessage, deliveries: number, isForeign: boolean) {
    this.#msg = msg
    this.message = message
    this.deliveries = deliveries
    this.isForeign = isForeign
  }

  ack(): void {
    this.#msg.respond(acknowledgement)
  }

  nak(delay: Duration.Duration): void {
    const nanos = Math.round(Duration.toMillis(delay) * 1e6)
    this.#msg.respond(nanos === 0 ? refusal : encode(`-NAK {"delay":${nanos}}`))
  }

  term(): void {
    this.#msg.respond(termination)
  }

  extend(): void {
    this.#msg.respond(progress)
  }
}

/** `$JS.ACK.` [domain `.` account `.`] stream, consumer, deliveries, sequence, …, nanoseconds, pending [`.` random]. */
const tokensOfOldForm = 9
const tokensBeforeStream = { old: 2, new: 4 }

/** None for a message that does not come from a JetStream consumer. */
export const deliver = (msg: Msg, isForeign: (subject: string) => boolean): JetStreamDelivery | undefined => {
  const tokens = msg.reply?.split(".") ?? []
  const at = tokens.length === tokensOfOldForm ? tokensBeforeStream.old : tokensBeforeStream.new
  const stream = tokens[at]
  const deliveries = Number(tokens[at + 2])
  const sequence = Number(tokens[at + 3])
  // Nanoseconds are more than a number holds; without their last three digits they are microseconds.
  const storedAtMicros = Number(tokens[at + 5]?.slice(0, -3))
  if (stream === undefined || Number.isNaN(deliveries + sequence + storedAtMicros)) return undefined
  const message = new JetStreamMessage(msg, stream, sequence, storedAtMicros)
  return new JetStreamDelivery(msg, message, deliveries, isForeign(msg.subject))
}
