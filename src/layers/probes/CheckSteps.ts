/**
 * A check that is made in steps, each of them timed.
 *
 * The message has the time of every step that was begun, of a check that failed or ran out of time too: which step it was
 * says where to look.
 */
import { Clock, Duration, Effect, Result, Schema, type Scope } from "effect"
import { describeStep, type Step } from "../../domain/monitoring/checks/details/Payload.ts"
import * as ProbeResult from "../../domain/monitoring/checks/ProbeResult.ts"
import type { Checker } from "../../services/monitoring/Prober.ts"

/** Whatever came between the check and its target. */
export class StepFailed extends Schema.TaggedError<StepFailed>()("StepFailed", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

export interface Stopwatch {
  /** Adds the time that the effect takes to that of the step, however it ends. */
  readonly step: <A, E, R>(step: Step, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export interface Outcome {
  readonly facts: object
  /** Why the target counts as not available although it answered. */
  readonly complaint?: string | undefined
}

export interface Steps {
  readonly limit: Duration.Duration
  /** What letting go may take beyond it. */
  readonly toEnd?: Duration.Duration
  /** Goes before the reason of a failure. */
  readonly failure: string
  readonly work: (watch: Stopwatch) => Effect.Effect<Outcome, { readonly reason: string }, Scope.Scope>
}

/** Beyond a check's own limit, which says more about what went wrong. */
const slack = Duration.seconds(1)

/** Joins what is not as expected, or undefined when all is. */
export const complaintOf = (...complaints: ReadonlyArray<string | undefined>): string | undefined => {
  const found = complaints.filter((one) => one !== undefined)
  return found.length === 0 ? undefined : found.join("; ")
}

/** What `Prober` runs: the steps, within their own limit first, and within its limit whatever they do. */
export const checker = (steps: Steps): Checker => ({
  timeout: Duration.sum(Duration.sum(steps.limit, steps.toEnd ?? Duration.zero), slack),
  failed: (reason) => ProbeResult.failed(`${steps.failure}: ${reason}`),
  check: run(steps),
  isBounded: steps.toEnd === undefined
})

const run = ({ failure, limit, work }: Steps): Effect.Effect<ProbeResult.ProbeResult> =>
  Effect.gen(function*() {
    const startedNanos = yield* Clock.monotonicTimeNanos
    const timings: Partial<Record<Step, number>> = {}
    let current: Step | undefined
    const watch: Stopwatch = {
      step: (step, effect) =>
        Effect.gen(function*() {
          const beganNanos = yield* Clock.monotonicTimeNanos
          current = step
          return yield* Effect.onExit(effect, () =>
            Effect.map(Clock.monotonicTimeNanos, (nowNanos) => {
              timings[step] = (timings[step] ?? 0) + Number(nowNanos - beganNanos)
            }))
        })
    }
    const late = Effect.suspend(() => {
      const during = current === undefined ? "" : ` (${describeStep(current)})`
      return Effect.fail(new StepFailed({ reason: `timed out after ${Duration.format(limit)}${during}` }))
    })
    const outcome = yield* work(watch).pipe(
      Effect.scoped,
      Effect.timeoutOrElse({ duration: limit, orElse: () => late }),
      Effect.result
    )
    const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
    const times = { timings: { ...timings, total: Number(elapsedNanos) } }
    return Result.match(outcome, {
      onFailure: ({ reason }) => ProbeResult.answered(times, elapsedNanos, `${failure}: ${reason}`),
      onSuccess: ({ complaint, facts }) => ProbeResult.answered({ ...facts, ...times }, elapsedNanos, complaint)
    })
  })
