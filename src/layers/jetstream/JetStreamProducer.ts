/**
 * A durable consumer of NATS JetStream as the producer of a pipeline, and the acknowledger that belongs to it.
 *
 * At least once: a message is acked when its outcome is ok and nakked when it is rejected, so that the server brings it
 * again at once, at most as often as the consumer's `max_deliver` says. What was fetched and never reached the pipeline is
 * nakked when the connection of the producer ends.
 *
 * A consumer that is deleted, or a server that sends no heartbeats, fails the producer: the pipeline connects it anew.
 */
import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream"
import { Duration, Effect, Latch, Schema } from "effect"
import type { Outcomes } from "../../domain/pipeline/Outcome.ts"
import * as Producer from "../../services/pipeline/Producer.ts"

export type { JsMsg } from "@nats-io/jetstream"

export class JetStreamProducerError extends Schema.TaggedError<JetStreamProducerError>()("JetStreamProducerError", {
  /** What was done, for example `consuming`. */
  step: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `JetStream, ${this.step}: ${this.reason}`
  }
}

export interface JetStreamProducerOptions<E, R> {
  /** Found for each life of the producer: `jetstream(connection).consumers.get(stream, durable)`. */
  readonly consumer: Effect.Effect<Consumer, E, R>
  /** Messages that the server may send ahead. Below the consumer's `max_ack_pending`. Default 256. */
  readonly ahead?: number
}

const aheadDefault = 256

const failure = (step: string) => (cause: unknown) =>
  new JetStreamProducerError({ step, reason: cause instanceof Error ? cause.message : String(cause) })

/** Heartbeats missed in a row that count as a lost server. */
const heartbeatsMissedMax = 2

/** What has arrived and was not taken yet, and why no more will. */
class Arrivals {
  #messages: Array<JsMsg> = []
  #failure: JetStreamProducerError | undefined
  readonly #ahead: number
  readonly #changed = Latch.makeUnsafe(false)
  #onRoom = () => {}

  constructor(ahead: number) {
    this.#ahead = ahead
  }

  /** Resolves when there is room for the next. */
  offer(message: JsMsg): Promise<void> {
    this.#messages.push(message)
    this.#changed.openUnsafe()
    if (this.#messages.length < this.#ahead) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onRoom = resolve
    })
  }

  fail(error: JetStreamProducerError): void {
    this.#failure ??= error
    this.#changed.openUnsafe()
  }

  /** Waits for the first, then takes in one step. What has arrived comes before the failure. */
  take(demand: number): Effect.Effect<ReadonlyArray<JsMsg>, JetStreamProducerError> {
    return Effect.andThen(
      this.#changed.await,
      Effect.suspend(() => {
        const taken = this.#messages.splice(0, demand)
        this.#onRoom()
        if (taken.length === 0 && this.#failure !== undefined) return Effect.fail(this.#failure)
        if (this.#messages.length === 0 && this.#failure === undefined) this.#changed.closeUnsafe()
        return Effect.succeed(taken)
      })
    )
  }

  /** Gives back what nobody took. */
  readonly giveBack = Effect.sync(() => {
    for (const message of this.#messages.splice(0)) message.nak()
  })
}

const watch = async (messages: ConsumerMessages, arrivals: Arrivals): Promise<void> => {
  for await (const notice of messages.status()) {
    switch (notice.type) {
      case "heartbeats_missed":
        if (notice.count >= heartbeatsMissedMax) arrivals.fail(failure("consuming")("the server sends no heartbeats"))
        break
      case "consumer_deleted":
      case "consumer_not_found":
      case "stream_not_found":
        arrivals.fail(failure("consuming")(notice.type.replaceAll("_", " ")))
        break
    }
  }
}

/** Asks the server for more only as messages are taken: what waits here is bounded. */
const pump = async (messages: ConsumerMessages, arrivals: Arrivals): Promise<void> => {
  for await (const message of messages) await arrivals.offer(message)
}

const consume = (consumer: Consumer, ahead: number) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => consumer.consume({ max_messages: ahead }),
      catch: failure("consuming")
    }),
    // A connection that is gone cannot say goodbye.
    (messages) => Effect.ignore(Effect.timeout(Effect.tryPromise(() => messages.close()), "2 seconds"))
  )

export const make = <E, R>(
  options: JetStreamProducerOptions<E, R>
): Producer.Producer<JsMsg, E | JetStreamProducerError, R> =>
  Producer.fromConnect(
    Effect.gen(function*() {
      const consumer = yield* options.consumer
      const ahead = options.ahead ?? aheadDefault
      const arrivals = new Arrivals(ahead)
      // Newer finalizers run first: no more arrives when what is left is given back.
      yield* Effect.addFinalizer(() => arrivals.giveBack)
      const messages = yield* consume(consumer, ahead)
      const ended = (reason: unknown) => arrivals.fail(failure("consuming")(reason ?? "the subscription ended"))
      messages.closed().then(ended, ended)
      pump(messages, arrivals).then(() => ended(undefined), ended)
      watch(messages, arrivals).catch(ended)
      return (demand: number) => arrivals.take(demand)
    })
  )

export interface AcknowledgeOptions {
  /** How long the server waits before it brings a rejected message again. Default: not at all. */
  readonly redeliverAfter?: Duration.Input
}

/** Acks what is ok and naks what is rejected. For poison, write your own and `term` it. */
export const acknowledge =
  ({ redeliverAfter }: AcknowledgeOptions = {}) =>
  <E, O>({ ok, rejected }: Outcomes<JsMsg, E, O>): Effect.Effect<void> =>
    Effect.sync(() => {
      const millis = redeliverAfter === undefined
        ? undefined
        : Duration.toMillis(Duration.fromInputUnsafe(redeliverAfter))
      for (const message of ok) message.ack()
      for (const { message } of rejected) message.nak(millis)
    })
