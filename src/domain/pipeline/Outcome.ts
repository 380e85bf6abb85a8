/**
 * What became of a message. Each has exactly one outcome: ok, failed (a handler's typed failure), or crashed (nobody
 * decided: a defect, a dropped message, a stage that ended with the message in its hands).
 */
import type { Cause } from "effect"

export type CrashReason =
  /** A handler threw, died or interrupted itself. */
  | "defect"
  /** A batch handler gave fewer verdicts than there were messages. */
  | "dropped"
  /** The message was sent to a batcher that this pipeline does not have. */
  | "unknown_batcher"
  /** The stage that held the message crashed or was restarted. */
  | "stage_ended"
  /** The pipeline was over before the message had been handled. */
  | "abandoned"

export interface Failed<out E> {
  readonly _tag: "Failed"
  readonly error: E
}

export interface Crashed {
  readonly _tag: "Crashed"
  readonly reason: CrashReason
  readonly cause: Cause.Cause<unknown>
}

/** A message that was not ok. `stage` is `processor`, or a batcher's name. */
export interface Rejected<out In, out E, out O = undefined> {
  readonly message: In
  readonly stage: string
  readonly outcome: Failed<E> | Crashed
  /** What its handler configured, else the pipeline's `acknowledgeOptions`. */
  readonly options: O
}

/** What an acknowledger is told at once: each message of the pipeline is in exactly one such call, in one of the lists. */
export interface Outcomes<out In, out E, out O = undefined> {
  readonly ok: ReadonlyArray<In>
  /** One for each of `ok`, in its order, when the pipeline has `acknowledgeOptions`; else empty. */
  readonly okOptions: ReadonlyArray<O>
  readonly rejected: ReadonlyArray<Rejected<In, E, O>>
}

export const crashed = (reason: CrashReason, cause: Cause.Cause<unknown>): Crashed => ({
  _tag: "Crashed",
  reason,
  cause
})
