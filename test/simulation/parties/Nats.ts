/** A NATS server with one stream, as a model behind the network, and the event writer's source and dead letters on it. */
import { Duration, Effect, Layer } from "effect"
import { DeadLetterError, DeadLetters } from "../../../src/services/events/DeadLetters.ts"
import { EventSource, EventSourceError, SourceUnavailable } from "../../../src/services/events/EventSource.ts"
import type { Client, Exchange } from "../../../src/services/simulation/Exchange.ts"
import { type ConsumerModel, type Delivered, StreamModel } from "../../../src/services/simulation/JetStreamModel.ts"
import type { Letter } from "../promises/DeadLetters.ts"

type Request =
  | { readonly _tag: "Pull"; readonly batch: number; readonly bytesMax: number }
  | { readonly _tag: "Settle"; readonly sequence: number; readonly how: "ack" | "term" | "extend" }
  | { readonly _tag: "Nak"; readonly sequence: number; readonly delayMillis: number }
  | { readonly _tag: "Letter"; readonly sequence: number; readonly deliveries: number; readonly reason: string }
  | { readonly _tag: "Lag" }

interface Answer {
  readonly delivered?: ReadonlyArray<Delivered>
  readonly pending?: number
  readonly ackPending?: number
}

export type NatsExchange = Exchange<Request, Answer>

const ackWait = Duration.seconds(30)
const pullWaitMillis = 1_000
const gatherMillis = 200

export interface NatsEvents {
  /** Before the message is forgotten. */
  readonly onSettled: (sequence: number, how: "ack" | "term") => void
  /** Of each dead letter, with what was published. */
  readonly onLetter: (letter: Letter) => void
}

export class Nats {
  readonly stream: StreamModel
  readonly consumer: ConsumerModel
  readonly letters = new Set<number>()
  readonly #events: NatsEvents

  constructor(nowMillis: () => number, events: NatsEvents) {
    this.stream = new StreamModel({ nowMillis, retention: "workqueue" })
    this.consumer = this.stream.consumer("writer", {
      ackWaitMillis: Duration.toMillis(ackWait),
      maxDeliver: -1,
      maxAckPending: 20_000
    })
    this.#events = events
  }

  readonly handle = (request: Request): Effect.Effect<Answer> => {
    if (request._tag === "Pull") return this.#pull(request.batch, request.bytesMax, pullWaitMillis)
    return Effect.sync(() => this.#answer(request))
  }

  /** What nobody waits for an answer to. */
  readonly told = (request: Request): void => {
    if (request._tag !== "Pull") this.#answer(request)
  }

  /** Gathers for a moment first, as whoever pulls from a real one does: asking for each message costs more than it. */
  #pull(batch: number, bytesMax: number, leftMillis: number): Effect.Effect<Answer> {
    return Effect.flatMap(Effect.sleep(gatherMillis), () => {
      const delivered = this.consumer.pull(batch, bytesMax)
      if (delivered.length > 0 || leftMillis <= 0) return Effect.succeed({ delivered })
      return this.#pull(batch, bytesMax, leftMillis - gatherMillis)
    })
  }

  #answer(request: Exclude<Request, { readonly _tag: "Pull" }>): Answer {
    switch (request._tag) {
      case "Settle":
        if (request.how === "extend") this.consumer.inProgress(request.sequence)
        else this.#settle(request.sequence, request.how)
        return {}
      case "Nak":
        this.consumer.nak(request.sequence, request.delayMillis)
        return {}
      case "Letter":
        this.#letter(request)
        return {}
      case "Lag":
        return { pending: this.consumer.pendingCount, ackPending: this.consumer.ackPendingCount }
    }
  }

  #letter({ deliveries, reason, sequence }: Omit<Letter, "text">): void {
    this.letters.add(sequence)
    const message = this.stream.get(sequence)
    // Settled before: it came twice.
    if (message === undefined) return
    this.#events.onLetter({ sequence, deliveries, reason, text: decoder.decode(message.data) })
  }

  #settle(sequence: number, how: "ack" | "term"): void {
    this.#events.onSettled(sequence, how)
    if (how === "ack") this.consumer.ack(sequence)
    else this.consumer.term(sequence)
  }
}

const decoder = new TextDecoder()
const noHeaders: ReadonlyMap<string, string> = new Map()

const source = (client: Client<Request, Answer>) => {
  const failed = ({ detail }: { readonly detail: string }) =>
    new EventSourceError({ stream: "LOGS", reason: new SourceUnavailable({ detail }) })
  const settle = (sequence: number, how: "ack" | "term" | "extend") => () =>
    client.tell({ _tag: "Settle", sequence, how })
  return EventSource.of({
    subscribe: () =>
      Effect.as(Effect.mapError(client.ask({ _tag: "Lag" }), failed), {
        ackWait,
        pull: (demand: number, bytesMax: number) =>
          client.ask({ _tag: "Pull", batch: demand, bytesMax }).pipe(
            Effect.timeoutOrElse({
              duration: "5 seconds",
              orElse: () => Effect.fail({ detail: "no answer to a pull" })
            }),
            Effect.mapError(failed),
            Effect.map(({ delivered = [] }) =>
              delivered.map(({ deliveries, message }) => ({
                message: {
                  subject: message.subject,
                  data: message.data,
                  headers: noHeaders,
                  stream: "LOGS",
                  sequence: message.sequence,
                  storedAtMicros: Math.floor(message.storedMillis * 1_000)
                },
                deliveries,
                isForeign: false,
                ack: settle(message.sequence, "ack"),
                term: settle(message.sequence, "term"),
                extend: settle(message.sequence, "extend"),
                nak: (delay: Duration.Duration) =>
                  client.tell({ _tag: "Nak", sequence: message.sequence, delayMillis: Duration.toMillis(delay) })
              }))
            )
          )
      }),
    lag: () =>
      Effect.mapBoth(client.ask({ _tag: "Lag" }), {
        onFailure: failed,
        onSuccess: ({ ackPending = 0, pending = 0 }) => ({ pending, ackPending, oldestMillis: undefined })
      })
  })
}

const letters = (client: Client<Request, Answer>) =>
  Layer.mock(DeadLetters, {
    add: ({ deliveries, failure: { reason }, message }) =>
      Effect.asVoid(Effect.mapError(
        client.ask({ _tag: "Letter", sequence: message.sequence, deliveries, reason }),
        ({ detail }) => new DeadLetterError({ operation: "add", detail, isMissing: false })
      ))
  })

/** On one connection, as the real ones. */
export const layer = (exchange: NatsExchange, host: string) =>
  Layer.unwrap(
    Effect.map(exchange.client(host), (client) =>
      Layer.merge(Layer.succeed(EventSource, source(client)), letters(client)))
  )
