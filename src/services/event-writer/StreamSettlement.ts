/**
 * Tells the source what became of each delivery: stored ones are acked, poison is kept as a dead letter and only then
 * termed, everything else comes again after a delay that grows.
 *
 * A message that failed too often is poison as well, for without an end it would fail for ever where nobody looks. Of a
 * message that was stored but for some of its elements, these are kept as dead letters before it is acked.
 */
import { Cause, Duration, Effect, Random } from "effect"
import type { RefusedPart } from "../../domain/events/decode/Decode.ts"
import type { Failure } from "../../domain/events/stream/DeadLetter.ts"
import * as RetryDelay from "../../domain/events/stream/RetryDelay.ts"
import type { Outcomes, Rejected } from "../../domain/pipeline/Outcome.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { DeadLetters } from "../events/DeadLetters.ts"
import type { Delivery } from "../events/EventSource.ts"
import type { Partial, Refusal, Retry } from "../events/Refusal.ts"
import type { HeldDeliveries } from "./HeldDeliveries.ts"
import type { StreamRecord } from "./StreamRecord.ts"

export interface SettlementOptions {
  readonly record: StreamRecord
  readonly held: HeldDeliveries
  /** Deliveries after which a message that cannot be stored becomes a dead letter. */
  readonly deliveriesMax: number
}

/** Dead letters on their way at once, of messages, and of the elements of one. */
const lettersAtOnce = 64
const partsAtOnce = 16
/** Shorter than the pipeline's limit of settling, so that each delivery is settled within it. */
const letterLimit = Duration.seconds(5)

type RejectedDelivery = Rejected<Delivery, Refusal>

const refusalOf = ({ outcome, stage }: RejectedDelivery): Refusal =>
  outcome._tag === "Failed"
    ? outcome.error
    : { _tag: "Retry", processor: "pipeline", error: `${outcome.reason} in ${stage}` }

/** Stopping the writer, or one of its stages, is not the message's fault. */
const isInnocent = ({ outcome }: RejectedDelivery): boolean =>
  outcome._tag === "Crashed" &&
  (outcome.reason === "abandoned" || outcome.reason === "stage_ended" || Cause.hasInterruptsOnly(outcome.cause))

export const make = (options: SettlementOptions) => {
  const { deliveriesMax, held, record } = options

  const failed = Effect.fnUntraced(function*(
    processor: Retry["processor"],
    error: string,
    reason: Failure["reason"] | "retry",
    count = 1
  ) {
    yield* record.metrics.failed(processor, reason, count)
    yield* record.tell({ _tag: "message_failed", stream: record.stream, processor, reason, error, count })
  })

  const giveBack = Effect.fnUntraced(function*(delivery: Delivery, retry: Retry, failures = delivery.deliveries) {
    delivery.nak(RetryDelay.after(failures, yield* Random.next))
    record.retried += 1
    yield* record.metrics.settled("retried", 1)
    yield* failed(retry.processor, retry.error, "retry")
    yield* Effect.logDebug(
      `${record.stream}: message ${delivery.message.sequence} of ${delivery.message.stream} comes again: ${retry.error}`
    )
  })

  /** Why no dead letter could be kept, empty when it is kept; what cannot be kept comes again. */
  const keep = Effect.fnUntraced(function*(delivery: Delivery, failure: Failure, part?: RefusedPart) {
    const letters = yield* DeadLetters
    const { deliveries, message } = delivery
    return yield* letters.add({ stream: record.stream, message, part, deliveries, failure }).pipe(
      Effect.timeout(letterLimit),
      Effect.match({ onFailure: (error) => error.message, onSuccess: () => "" })
    )
  })

  const unkept = Effect.fnUntraced(function*(
    delivery: Delivery,
    processor: Retry["processor"],
    failure: Failure,
    why: string
  ) {
    if (record.markUnhealthy("dead letters", why)) {
      yield* Effect.logWarning(`${record.stream}: poison comes again and again, as no dead letter can be kept: ${why}`)
    }
    return yield* giveBack(delivery, {
      _tag: "Retry",
      processor,
      error: `it cannot be stored (${failure.error}) and not be kept as a dead letter either: ${why}`
    }, 1)
  })

  const kept = Effect.fnUntraced(function*(processor: Retry["processor"], failure: Failure, count: number) {
    record.markHealthy("dead letters")
    record.deadLettered += count
    yield* record.metrics.settled("dead_lettered", count)
    yield* failed(processor, failure.error, failure.reason, count)
    yield* warnOfLetter(failure)
  })

  const deadLetter = Effect.fnUntraced(function*(delivery: Delivery, processor: Retry["processor"], failure: Failure) {
    const why = yield* keep(delivery, failure)
    if (why !== "") return yield* unkept(delivery, processor, failure, why)
    delivery.term()
    yield* kept(processor, failure, 1)
  })

  /** The rows of the message are committed, so it is acked once its other elements are kept. */
  const deadLetterParts = Effect.fnUntraced(function*(delivery: Delivery, { parts }: Partial) {
    const letters = parts.map((part) => ({
      part,
      failure: { reason: "decode", error: part.error.message, place: part.error.path } satisfies Failure
    }))
    const reasons = yield* Effect.forEach(letters, ({ failure, part }) => keep(delivery, failure, part), {
      concurrency: partsAtOnce
    })
    const [first] = letters
    if (first === undefined) return delivery.ack()
    const why = reasons.find((reason) => reason !== "")
    if (why !== undefined) return yield* unkept(delivery, "decode", first.failure, why)
    delivery.ack()
    record.stored += 1
    yield* record.metrics.settled("stored", 1)
    yield* kept("decode", first.failure, letters.length)
  })

  let warnedMillis = -Infinity
  /** Each letter is there to be looked at; the log only says that there are some. */
  const warnOfLetter = Effect.fnUntraced(function*(failure: Failure) {
    const now = yield* Monotonic.millis
    if (now - warnedMillis < 10_000) return
    warnedMillis = now
    yield* Effect.logWarning(
      `${record.stream}: ${record.deadLettered} messages are dead letters so far, the last one because: ${failure.error}`
    )
  })

  const reject = (rejected: RejectedDelivery) => {
    const { message: delivery } = rejected
    const refusal = refusalOf(rejected)
    if (refusal._tag === "Partial") return deadLetterParts(delivery, refusal)
    if (refusal._tag === "Poison") return deadLetter(delivery, refusal.processor, refusal.failure)
    if (isInnocent(rejected)) {
      return Effect.sync(() => delivery.nak(Duration.zero))
    }
    return delivery.deliveries < deliveriesMax
      ? giveBack(delivery, refusal)
      : deadLetter(delivery, refusal.processor, { reason: "exhausted", error: refusal.error, place: "" })
  }

  return Effect.fnUntraced(function*({ ok, rejected }: Outcomes<Delivery, Refusal>) {
    for (const delivery of ok) {
      held.release(delivery)
      delivery.ack()
    }
    const stored = ok.reduce((count, { isForeign }) => isForeign ? count : count + 1, 0)
    record.stored += stored
    yield* record.metrics.settled("stored", stored)
    if (rejected.length === 0) return
    for (const { message } of rejected) held.release(message)
    yield* Effect.forEach(rejected, reject, { concurrency: lettersAtOnce, discard: true })
  })
}
