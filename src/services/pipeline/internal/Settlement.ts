/**
 * Gives each message its outcome: tells the handler of rejected messages, then the acknowledger, then frees the
 * message's place in flight. A message that already has its outcome is passed over, so no path can settle it twice.
 *
 * Not interruptible, and bounded by the acknowledge limit: a stage that is stopped while it acknowledges finishes first.
 */
import { Cause, type Duration, Effect } from "effect"
import { crashed, type CrashReason, type Outcomes, type Rejected } from "../../../domain/pipeline/Outcome.ts"
import type { Tally } from "../../../domain/pipeline/PipelineEvent.ts"
import type { Route } from "../Batch.ts"
import type { Telemetry } from "../Telemetry.ts"
import type { InFlight } from "./InFlight.ts"
import type { PipelineMetrics } from "./PipelineMetrics.ts"

/** A message on its way. */
export interface Envelope<out In> {
  readonly message: In
  /** The key that keeps its order; `undefined` without `partitionBy`. */
  readonly partition: string | number | undefined
  route: Route | undefined
  isSettled: boolean
}

export interface RejectedEnvelope<In, E> {
  readonly envelope: Envelope<In>
  readonly stage: string
  readonly outcome: Rejected<In, E>["outcome"]
}

export interface SettlementOptions<In, E, RA> {
  readonly acknowledge: (outcomes: Outcomes<In, E>) => Effect.Effect<unknown, unknown, RA>
  readonly onRejected: ((rejected: ReadonlyArray<Rejected<In, E>>) => Effect.Effect<unknown, unknown, RA>) | undefined
  readonly limit: Duration.Duration
  readonly metrics: PipelineMetrics
}

export class Settlement<In, E, RA> {
  readonly inFlight: InFlight
  readonly #options: SettlementOptions<In, E, RA>
  readonly #telemetry: Telemetry
  ok = 0
  failed = 0
  crashed = 0
  acknowledgeFailures = 0
  rejectedFailures = 0

  constructor(inFlight: InFlight, options: SettlementOptions<In, E, RA>, telemetry: Telemetry) {
    this.inFlight = inFlight
    this.#options = options
    this.#telemetry = telemetry
  }

  get settled(): number {
    return this.ok + this.failed + this.crashed
  }

  settle(
    ok: ReadonlyArray<Envelope<In>>,
    rejected: ReadonlyArray<RejectedEnvelope<In, E>>
  ): Effect.Effect<Tally, never, RA> {
    return Effect.uninterruptible(Effect.suspend(() => {
      const outcomes = { ok: claim(ok), rejected: claimRejected(rejected) }
      const tally = tallyOf(outcomes)
      const count = tally.ok + tally.failed + tally.crashed
      if (count === 0) return Effect.succeed(tally)
      return this.#told(outcomes, count).pipe(
        Effect.andThen(Effect.suspend(() => this.#options.metrics.settled(this.#count(tally, count)))),
        Effect.as(tally)
      )
    }))
  }

  /** Settles whatever of these has no outcome yet. */
  crash(
    envelopes: ReadonlyArray<Envelope<In>>,
    stage: string,
    reason: CrashReason
  ): Effect.Effect<Tally, never, RA> {
    const outcome = crashed(reason, Cause.empty)
    return this.settle([], envelopes.map((envelope) => ({ envelope, stage, outcome })))
  }

  #told(outcomes: Outcomes<In, E>, count: number): Effect.Effect<void, never, RA> {
    const acknowledged = Effect.map(
      this.#telemetry.contained("acknowledge", count, this.#bounded(() => this.#options.acknowledge(outcomes))),
      (isFine) => {
        if (!isFine) this.acknowledgeFailures += 1
      }
    )
    const { onRejected } = this.#options
    if (onRejected === undefined || outcomes.rejected.length === 0) return acknowledged
    const { rejected } = outcomes
    return this.#telemetry.contained("rejected", rejected.length, this.#bounded(() => onRejected(rejected))).pipe(
      Effect.flatMap((isFine) => {
        if (!isFine) this.rejectedFailures += 1
        return acknowledged
      })
    )
  }

  #bounded(call: () => Effect.Effect<unknown, unknown, RA>): Effect.Effect<unknown, unknown, RA> {
    return Effect.timeout(Effect.interruptible(Effect.suspend(call)), this.#options.limit)
  }

  #count(tally: Tally, count: number): Tally {
    this.ok += tally.ok
    this.failed += tally.failed
    this.crashed += tally.crashed
    this.inFlight.remove(count)
    return tally
  }
}

const claim = <In>(envelopes: ReadonlyArray<Envelope<In>>): ReadonlyArray<In> => {
  const claimed: Array<In> = []
  for (const envelope of envelopes) {
    if (envelope.isSettled) continue
    envelope.isSettled = true
    claimed.push(envelope.message)
  }
  return claimed
}

const claimRejected = <In, E>(rejected: ReadonlyArray<RejectedEnvelope<In, E>>): ReadonlyArray<Rejected<In, E>> => {
  const claimed: Array<Rejected<In, E>> = []
  for (const { envelope, stage, outcome } of rejected) {
    if (envelope.isSettled) continue
    envelope.isSettled = true
    claimed.push({ message: envelope.message, stage, outcome })
  }
  return claimed
}

const tallyOf = ({ ok, rejected }: Outcomes<unknown, unknown>): Tally => {
  let failed = 0
  for (const { outcome } of rejected) if (outcome._tag === "Failed") failed += 1
  return { ok: ok.length, failed, crashed: rejected.length - failed }
}
