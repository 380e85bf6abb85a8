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
  /** The stage that held the message was stopped or restarted. */
  | "stage_ended"
  /** The pipeline's shutdown limit passed first. */
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
export interface Rejected<out In, out E> {
  readonly message: In
  readonly stage: string
  readonly outcome: Failed<E> | Crashed
}

/** What an acknowledger is told at once: each message of the pipeline is in exactly one such call, in one of the lists. */
export interface Outcomes<out In, out E> {
  readonly ok: ReadonlyArray<In>
  readonly rejected: ReadonlyArray<Rejected<In, E>>
}

export const crashed = (reason: CrashReason, cause: Cause.Cause<unknown>): Crashed => ({
  _tag: "Crashed",
  reason,
  cause
})
