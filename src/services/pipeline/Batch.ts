/**
 * What a batch handler is given and what it answers. No verdicts: every message of the batch is ok. A list: one verdict
 * per value, in order; values without one count as dropped, which crashes their messages. A failure rejects them all.
 */
import { Cause, Exit, Result } from "effect"
import type { BatchTrigger } from "../../domain/pipeline/BatchAccumulation.ts"
import type { Crashed, Failed } from "../../domain/pipeline/Outcome.ts"
import { crashed } from "../../domain/pipeline/Outcome.ts"

export interface Batch<out V> {
  readonly batcher: string
  readonly key: string
  readonly trigger: BatchTrigger
  readonly values: ReadonlyArray<V>
}

export type Verdicts<E> = ReadonlyArray<Result.Result<unknown, E>>

/** Where a processor sends a message; made by `Batcher.to`. */
export interface Route<out Name extends string = string> {
  readonly batcher: Name
  readonly key: string
}

/** Why a handler's exit is no success. The first typed failure counts; without one it is a crash. */
export const rejection = <E>(cause: Cause.Cause<E>): Failed<E> | Crashed => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason)) return { _tag: "Failed", error: reason.error }
  }
  return crashed("defect", cause)
}

/** The rejection of the value at `index`, or `undefined` when it is ok. */
export const judge = <E>(
  exit: Exit.Exit<Verdicts<E> | void, E>
): (index: number) => Failed<E> | Crashed | undefined => {
  if (Exit.isFailure(exit)) {
    const outcome = rejection(exit.cause)
    return () => outcome
  }
  const verdicts = exit.value
  if (!Array.isArray(verdicts)) return () => undefined
  return (index) => {
    const verdict: Result.Result<unknown, E> | undefined = verdicts[index]
    if (verdict === undefined) return crashed("dropped", Cause.empty)
    return Result.isFailure(verdict) ? { _tag: "Failed", error: verdict.failure } : undefined
  }
}
