/**
 * A message as a pull consumer of JetStream delivered it, and what it settles with.
 *
 * Read at a rate of many thousands per second and held by the ten thousand, so it keeps of the client's message only what
 * is needed. Which delivery of what it is stands in the subject to reply to, also on servers that know no newer form.
 */
import type { Msg } from "@nats-io/transport-node"
import { Duration, Result } from "effect"
import type { EventMessage } from "../../../domain/events/stream/EventMessage.ts"
import type { Delivery } from "../../../services/events/EventSource.ts"

const noHeaders: ReadonlyMap<string, string> = new Map()
const noValues: ReadonlyArray<readonly [name: string, value: string]> = []

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
export const acknowledgement = encode("+ACK")
const refusal = encode("-NAK")
const termination = encode("+TERM")
const progress = encode("+WPI")

type HeaderValues = ReadonlyArray<readonly [name: string, value: string]>

export class JetStreamMessage implements EventMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly stream: string
  readonly sequence: number
  readonly storedAtMicros: number
  /** Each value of each header, with the names as they were written. */
  readonly headerValues: HeaderValues

  constructor(msg: Msg, stream: string, sequence: number, storedAtMicros: number) {
    this.subject = msg.subject
    this.data = msg.data
    this.stream = stream
    this.sequence = sequence
    this.storedAtMicros = storedAtMicros
    this.headerValues = valuesOf(msg)
  }

  get headers(): ReadonlyMap<string, string> {
    if (this.headerValues.length === 0) return noHeaders
    const first = new Map<string, string>()
    for (const [name, value] of this.headerValues) {
      const lower = name.toLowerCase()
      if (!first.has(lower)) first.set(lower, value)
    }
    return first
  }
}

const valuesOf = (msg: Msg): HeaderValues => {
  // What the client cannot read as headers is none.
  const headers = Result.getOrElse(Result.try(() => msg.headers), () => undefined)
  return headers === undefined
    ? noValues
    : [...headers].flatMap(([name, values]) => values.map((value): readonly [string, string] => [name, value]))
}

/** What a stream leaves where a message expired or was deleted: no event, and nothing in it. */
export const isMarker = (msg: Msg): boolean =>
  msg.data.length === 0 &&
  Result.getOrElse(Result.try(() => msg.headers?.has("Nats-Marker-Reason") === true), () => false)

/** Sends an answer; one that cannot be sent any more is lost, and the message comes again. */
export type Respond = (reply: string, answer: Uint8Array) => void

export class JetStreamDelivery implements Delivery {
  readonly message: JetStreamMessage
  readonly deliveries: number
  readonly isForeign: boolean
  readonly #reply: string
  readonly #respond: Respond

  constructor(message: JetStreamMessage, deliveries: number, isForeign: boolean, reply: string, respond: Respond) {
    this.message = message
    this.deliveries = deliveries
    this.isForeign = isForeign
    this.#reply = reply
    this.#respond = respond
  }

  ack(): void {
    this.#respond(this.#reply, acknowledgement)
  }

  nak(delay: Duration.Duration): void {
    const nanos = Math.round(Duration.toMillis(delay) * 1e6)
    this.#respond(this.#reply, nanos === 0 ? refusal : encode(`-NAK {"delay":${nanos}}`))
  }

  term(): void {
    this.#respond(this.#reply, termination)
  }

  extend(): void {
    this.#respond(this.#reply, progress)
  }
}

/** `$JS.ACK.` [domain `.` account `.`] stream, consumer, deliveries, sequence, …, nanoseconds, pending [`.` random]. */
const tokensOfOldForm = 9
const tokensBeforeStream = { old: 2, new: 4 }

/** Up to the time. */
const tokensFromStream = 6

/** Where each token ends: made for each message, when most of the dozen tokens are not needed. */
const tokenEnds = (text: string): ReadonlyArray<number> => {
  const ends: Array<number> = []
  for (let end = text.indexOf("."); end >= 0; end = text.indexOf(".", end + 1)) ends.push(end)
  ends.push(text.length)
  return ends
}

const exactDigits = 15

/** More than a number holds exactly is told by its lowest 53 bits, so that neighbours stay apart. */
const sequenceOf = (digits: string): number =>
  digits.length <= exactDigits || !/^\d+$/.test(digits) ? Number(digits) : Number(BigInt.asUintN(53, BigInt(digits)))

/** None for a message that does not come from a JetStream consumer. */
export const deliver = (
  msg: Msg,
  isForeign: (subject: string) => boolean,
  respond: Respond
): JetStreamDelivery | undefined => {
  const reply = msg.reply ?? ""
  const ends = tokenEnds(reply)
  const at = ends.length === tokensOfOldForm ? tokensBeforeStream.old : tokensBeforeStream.new
  const token = (place: number, cut = 0): string => reply.slice((ends[place - 1] ?? 0) + 1, (ends[place] ?? 0) - cut)
  if (ends.length < at + tokensFromStream) return undefined
  const stream = token(at)
  const deliveries = Number(token(at + 2))
  const sequence = sequenceOf(token(at + 3))
  // Nanoseconds are more than a number holds; without their last three digits they are microseconds.
  const storedAtMicros = Number(token(at + 5, 3))
  if (Number.isNaN(deliveries + sequence + storedAtMicros)) return undefined
  const message = new JetStreamMessage(msg, stream, sequence, storedAtMicros)
  return new JetStreamDelivery(message, deliveries, isForeign(message.subject), reply, respond)
}
