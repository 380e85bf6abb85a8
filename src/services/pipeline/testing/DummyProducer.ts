/**
 * A producer that brings nothing by itself: a test sends messages into the running pipeline and waits for what the
 * acknowledger is told of them, as with Broadway's `DummyProducer`, `test_message` and `test_batch`.
 *
 * The pipeline is the one of production; only its `producer` and `acknowledge` are those of the dummy.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Outcomes } from "../../../domain/pipeline/Outcome.ts"
import * as BatchMode from "../internal/BatchMode.ts"
import type { Producer } from "../Producer.ts"

/** Messages sent that did not get their outcome in time. */
export class OutcomesMissing extends Data.TaggedError("OutcomesMissing")<{
  readonly sent: number
  readonly missing: number
  readonly afterMillis: number
  /** Whether a pipeline asks the dummy for messages at all. */
  readonly isConnected: boolean
}> {
  override get message(): string {
    const why = this.isConnected ? "" : "; no pipeline asks this producer for messages"
    return `${this.missing} of ${this.sent} messages had no outcome after ${this.afterMillis} ms${why}`
  }
}

export interface SendOptions {
  /** `bulk` waits for the batch's size or age, `flush` closes the batch at once. */
  readonly batchMode?: BatchMode.BatchMode
  /** How long to wait for the outcomes, on the clock of the test. Default 5 seconds. */
  readonly within?: Duration.Input
}

export interface DummyProducer<In, E = never, O = undefined> {
  readonly producer: Producer<In, never, never>
  /** For a pipeline whose own acknowledger is no part of the test. */
  readonly acknowledge: (outcomes: Outcomes<In, E, O>) => Effect.Effect<void>
  /** For one whose acknowledger is: it is called first, and the test hears of the outcomes when it has ended. */
  readonly acknowledging: <R>(
    own: (outcomes: Outcomes<In, E, O>) => Effect.Effect<unknown, unknown, R>
  ) => (outcomes: Outcomes<In, E, O>) => Effect.Effect<void, unknown, R>
  /** The source has ended: the pipeline drains by itself. */
  readonly end: Effect.Effect<void>
  /** `testMessage` and `testBatch` are what tests call. */
  readonly send: (
    messages: ReadonlyArray<In>,
    options: SendOptions & { readonly batchMode: BatchMode.BatchMode }
  ) => Effect.Effect<Outcomes<In, E, O>, OutcomesMissing>
}

/** One call of `send`, until each of its messages has its outcome. */
class Ticket<In, E, O> {
  readonly mode: BatchMode.BatchMode
  readonly unsent: Array<In>
  readonly ok: Array<In> = []
  readonly okOptions: Array<O> = []
  readonly rejected: Array<Outcomes<In, E, O>["rejected"][number]> = []
  readonly done = Deferred.makeUnsafe<void>()
  readonly sent: number

  constructor(messages: ReadonlyArray<In>, mode: BatchMode.BatchMode) {
    this.unsent = [...messages]
    this.sent = messages.length
    this.mode = mode
  }

  get missing(): number {
    return this.sent - this.ok.length - this.rejected.length
  }
}

/** Who waits for which message. Equal messages that are not objects are told apart by their order alone. */
class Waiting<In, E, O> {
  readonly #tickets = new Map<In, Array<Ticket<In, E, O>>>()

  add(message: In, ticket: Ticket<In, E, O>): void {
    const tickets = this.#tickets.get(message)
    if (tickets === undefined) this.#tickets.set(message, [ticket])
    else tickets.push(ticket)
  }

  take(message: In): Ticket<In, E, O> | undefined {
    const [ticket] = this.#tickets.get(message) ?? []
    if (ticket !== undefined) this.remove(message, ticket)
    return ticket
  }

  remove(message: In, ticket: Ticket<In, E, O>): void {
    const tickets = this.#tickets.get(message) ?? []
    const index = tickets.indexOf(ticket)
    if (index >= 0) tickets.splice(index, 1)
    if (tickets.length === 0) this.#tickets.delete(message)
  }
}

class Dummy<In, E, O> implements DummyProducer<In, E, O> {
  readonly #unsent: Array<Ticket<In, E, O>> = []
  readonly #waiting = new Waiting<In, E, O>()
  readonly #changed = Latch.makeUnsafe(false)
  #hasEnded = false
  #connections = 0

  /** Takes in its last step, so that an interruption loses nothing. */
  readonly #pull = (demand: number): Effect.Effect<ReadonlyArray<In>, Cause.Done> =>
    Effect.andThen(
      this.#changed.await,
      Effect.suspend(() => {
        const [ticket] = this.#unsent
        if (ticket === undefined) {
          if (this.#hasEnded) return Effect.fail(Cause.Done())
          // Waits again: after an empty answer a pipeline pauses, which on the test clock is for ever.
          this.#changed.closeUnsafe()
          return this.#pull(demand)
        }
        const messages = ticket.unsent.splice(0, demand)
        if (ticket.unsent.length === 0) this.#unsent.shift()
        return Effect.succeed(ticket.mode === "flush" ? BatchMode.flush(messages) : messages)
      })
    )

  readonly producer: Producer<In, never, never> = {
    connect: Effect.acquireRelease(
      Effect.sync(() => {
        this.#connections += 1
        return this.#pull
      }),
      () =>
        Effect.sync(() => {
          this.#connections -= 1
        })
    )
  }

  readonly end = Effect.sync(() => {
    this.#hasEnded = true
    this.#changed.openUnsafe()
  })

  readonly acknowledge = (outcomes: Outcomes<In, E, O>): Effect.Effect<void> =>
    Effect.sync(() => {
      outcomes.ok.forEach((message, index) => {
        this.#settle(message, (ticket) => {
          ticket.ok.push(message)
          // Absent when the pipeline has no `acknowledgeOptions`.
          if (index < outcomes.okOptions.length) ticket.okOptions.push(...outcomes.okOptions.slice(index, index + 1))
        })
      })
      for (const rejected of outcomes.rejected) {
        this.#settle(rejected.message, (ticket) => ticket.rejected.push(rejected))
      }
    })

  readonly acknowledging =
    <R>(own: (outcomes: Outcomes<In, E, O>) => Effect.Effect<unknown, unknown, R>) =>
    (outcomes: Outcomes<In, E, O>): Effect.Effect<void, unknown, R> =>
      Effect.asVoid(Effect.ensuring(Effect.suspend(() => own(outcomes)), this.acknowledge(outcomes)))

  readonly send: DummyProducer<In, E, O>["send"] = (messages, { batchMode, within = "5 seconds" }) =>
    Effect.suspend(() => {
      const ticket = new Ticket<In, E, O>(messages, batchMode)
      if (messages.length === 0) return Effect.succeed({ ok: [], okOptions: [], rejected: [] })
      for (const message of messages) this.#waiting.add(message, ticket)
      this.#unsent.push(ticket)
      this.#changed.openUnsafe()
      const { ok, okOptions, rejected, sent } = ticket
      return Deferred.await(ticket.done).pipe(
        Effect.as({ ok, okOptions, rejected }),
        Effect.timeoutOrElse({
          duration: within,
          orElse: () => {
            const afterMillis = Duration.toMillis(Duration.fromInputUnsafe(within))
            const isConnected = this.#connections > 0
            return Effect.fail(new OutcomesMissing({ sent, missing: ticket.missing, afterMillis, isConnected }))
          }
        }),
        Effect.ensuring(Effect.sync(() => this.#withdraw(ticket)))
      )
    })

  /** What no pipeline has asked for yet is not sent any more once nobody waits for it. */
  #withdraw(ticket: Ticket<In, E, O>): void {
    for (const message of ticket.unsent.splice(0)) this.#waiting.remove(message, ticket)
    const index = this.#unsent.indexOf(ticket)
    if (index >= 0) this.#unsent.splice(index, 1)
  }

  #settle(message: In, record: (ticket: Ticket<In, E, O>) => void): void {
    const ticket = this.#waiting.take(message)
    if (ticket === undefined) return
    record(ticket)
    if (ticket.missing === 0) Deferred.doneUnsafe(ticket.done, Effect.void)
  }
}

/** `E` is what handlers of the pipeline fail with, `O` its acknowledge options. */
export const make = <In, E = never, O = undefined>(): Effect.Effect<DummyProducer<In, E, O>> =>
  Effect.sync(() => new Dummy<In, E, O>())

/**
 * Sends one message and waits for its outcome. It closes its batch at once, unless `batchMode` is `bulk`.
 */
export const testMessage = <In, E, O>(
  dummy: DummyProducer<In, E, O>,
  message: In,
  options: SendOptions = {}
): Effect.Effect<Outcomes<In, E, O>, OutcomesMissing> => dummy.send([message], { batchMode: "flush", ...options })

/**
 * Sends messages one after the other and waits until each has its outcome. They are gathered into batches as in
 * production, unless `batchMode` is `flush`: on the test clock, time has to pass for a batch that is not full.
 */
export const testBatch = <In, E, O>(
  dummy: DummyProducer<In, E, O>,
  messages: ReadonlyArray<In>,
  options: SendOptions = {}
): Effect.Effect<Outcomes<In, E, O>, OutcomesMissing> => dummy.send(messages, { batchMode: "bulk", ...options })
