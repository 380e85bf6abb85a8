/**
 * Gives each message its outcome: tells the handler of rejected messages, then the acknowledger, then frees the
 * message's place in flight. A message that already has its outcome is passed over, so no path can settle it twice.
 *
 * Not interruptible, and bounded by the acknowledge limit even when the acknowledger is not interruptible either: a
 * stage that is stopped while it acknowledges finishes first.
 */
import { Cause, type Duration, Effect } from "effect"
import { crashed, type CrashReason, type Outcomes, type Rejected } from "../../../domain/pipeline/Outcome.ts"
import type { Tally } from "../../../domain/pipeline/PipelineEvent.ts"
import type { Telemetry } from "../Telemetry.ts"
import { type Envelope, Ledger } from "./Envelope.ts"
import type { InFlight } from "./InFlight.ts"
import type { PipelineMetrics } from "./PipelineMetrics.ts"
import { withinLimit } from "./WithinLimit.ts"

export interface RejectedEnvelope<In, E, O> {
  readonly envelope: Envelope<In, E, O>
  readonly stage: string
  readonly outcome: Rejected<In, E, O>["outcome"]
}

export interface SettlementOptions<In, E, O, RA> {
  readonly acknowledge: (outcomes: Outcomes<In, E, O>) => Effect.Effect<unknown, unknown, RA>
  readonly onRejected:
    | ((rejected: ReadonlyArray<Rejected<In, E, O>>) => Effect.Effect<unknown, unknown, RA>)
    | undefined
  /** Whether acknowledgers hear of options. */
  readonly hasOptions: boolean
  readonly limit: Duration.Duration
  readonly metrics: PipelineMetrics
}

export class Settlement<In, E, O, RA> {
  readonly ledger = new Ledger<In, E, O>()
  readonly inFlight: InFlight
  readonly #options: SettlementOptions<In, E, O, RA>
  readonly #telemetry: Telemetry
  ok = 0
  failed = 0
  crashed = 0
  acknowledgeFailures = 0
  unacknowledged = 0
  rejectedFailures = 0
  /** No message is received any more: what still comes has never been here. */
  isClosed = false
  /** The stages are stopped for good: what they leave is settled together, when they have ended. */
  isStopping = false

  constructor(inFlight: InFlight, options: SettlementOptions<In, E, O, RA>, telemetry: Telemetry) {
    this.inFlight = inFlight
    this.#options = options
    this.#telemetry = telemetry
  }

  get settled(): number {
    return this.ok + this.failed + this.crashed
  }

  settle(
    ok: ReadonlyArray<Envelope<In, E, O>>,
    rejected: ReadonlyArray<RejectedEnvelope<In, E, O>>
  ): Effect.Effect<Tally, never, RA> {
    return Effect.uninterruptible(Effect.suspend(() => {
      const outcomes = this.#claim(ok, rejected)
      const tally = tallyOf(outcomes)
      const count = tally.ok + tally.failed + tally.crashed
      if (count === 0) return Effect.succeed(tally)
      return this.#told(outcomes, count).pipe(
        Effect.andThen(Effect.suspend(() => this.#options.metrics.settled(this.#count(tally, count)))),
        Effect.as(tally)
      )
    }))
  }

  /** A stage has ended with these: each gets what its handler came to, or has crashed. */
  stageEnded(envelopes: ReadonlyArray<Envelope<In, E, O>>, stage: string): Effect.Effect<Tally, never, RA> {
    return Effect.suspend(() =>
      this.isStopping ? Effect.succeed(nothing) : this.#crash(envelopes, stage, "stage_ended")
    )
  }

  /** An outcome for each message that has none, whoever holds it. Those that no stage ever got are in flight from now. */
  abandon(held: number): Effect.Effect<Tally, never, RA> {
    return Effect.uninterruptible(Effect.suspend(() => {
      this.isClosed = true
      this.inFlight.add(held)
      return this.#crash(this.ledger.all, "pipeline", "abandoned")
    }))
  }

  #crash(
    envelopes: ReadonlyArray<Envelope<In, E, O>>,
    stage: string,
    reason: CrashReason
  ): Effect.Effect<Tally, never, RA> {
    const without = crashed(reason, Cause.empty)
    const ok: Array<Envelope<In, E, O>> = []
    const rejected: Array<RejectedEnvelope<In, E, O>> = []
    for (const envelope of envelopes) {
      const { verdict } = envelope
      if (verdict === "ok") ok.push(envelope)
      else if (verdict === undefined) rejected.push({ envelope, stage, outcome: without })
      else rejected.push({ envelope, stage: "processor", outcome: verdict })
    }
    return this.settle(ok, rejected)
  }

  #told(outcomes: Outcomes<In, E, O>, count: number): Effect.Effect<void, never, RA> {
    const acknowledged = Effect.flatMap(
      this.#telemetry.contained("acknowledge", count, this.#bounded(() => this.#options.acknowledge(outcomes))),
      (isFine) => {
        if (isFine) return Effect.void
        this.acknowledgeFailures += 1
        this.unacknowledged += count
        return this.#options.metrics.acknowledgeFailed(count)
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
    return withinLimit(Effect.suspend(call), this.#options.limit)
  }

  #count(tally: Tally, count: number): Tally {
    this.ok += tally.ok
    this.failed += tally.failed
    this.crashed += tally.crashed
    this.inFlight.remove(count)
    return tally
  }

  #claim(
    ok: ReadonlyArray<Envelope<In, E, O>>,
    rejected: ReadonlyArray<RejectedEnvelope<In, E, O>>
  ): Outcomes<In, E, O> {
    const messages: Array<In> = []
    const okOptions: Array<O> = []
    for (const envelope of ok) {
      if (!this.ledger.claim(envelope)) continue
      messages.push(envelope.message)
      if (this.#options.hasOptions) okOptions.push(envelope.options)
    }
    const refused: Array<Rejected<In, E, O>> = []
    for (const { envelope, outcome, stage } of rejected) {
      if (!this.ledger.claim(envelope)) continue
      refused.push({ message: envelope.message, stage, outcome, options: envelope.options })
    }
    return { ok: messages, okOptions, rejected: refused }
  }
}

const nothing: Tally = { ok: 0, failed: 0, crashed: 0 }

const tallyOf = ({ ok, rejected }: Outcomes<unknown, unknown, unknown>): Tally => {
  let failed = 0
  for (const { outcome } of rejected) if (outcome._tag === "Failed") failed += 1
  return { ok: ok.length, failed, crashed: rejected.length - failed }
}
