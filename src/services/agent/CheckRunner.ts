/**
 * Runs every check in a supervised fiber of its own, so that one that hangs, dies or floods changes nothing for the
 * others.
 *
 * The checkers live in `serve`, which is to be a child of the agent's tree: while it does not run, checks fail with
 * `AgentNotReady`, and its restart begins with no checkers at all.
 */
import { Clock, Context, Duration, Effect, Exit, Layer, Result, type Scope, Tracer } from "effect"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import { checkLengths } from "../../domain/monitoring/checks/ProbeTarget.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { AgentNotReady, type CheckError } from "../monitoring/CheckError.ts"
import { type CheckRequest, Prober } from "../monitoring/Prober.ts"
import type { SupervisorShutdown } from "../supervision/SupervisorError.ts"
import * as CheckerPool from "./CheckerPool.ts"
import type { Answer, Told } from "./CheckerSlot.ts"
import * as CheckMetrics from "./CheckMetrics.ts"

export interface CheckRunnerOptions {
  /** Checkers kept, which also bounds the checks that run at once. 4096 unless told. */
  readonly checkersMax?: number
  /** How long a checker is kept without being asked. 15 minutes unless told. */
  readonly idle?: Duration.Input
}

const checkersMaxDefault = 4096
const idleDefault = Duration.minutes(15)

/** The supervisor of the checkers gave up, because one of those below it did again and again. */
export type CheckersEnded = SupervisorShutdown<SupervisorShutdown<never>>

export class CheckRunner extends Context.Service<CheckRunner, {
  /** Answers within the checker's time limit and a little more, whatever the checker does. */
  readonly run: (request: CheckRequest) => Effect.Effect<ProbeResult, CheckError>
  /** The same without a fiber and a span: tells once, at once or later, and gives back how to wait no longer. */
  readonly ask: (request: CheckRequest, told: Told) => () => void
  /** Starts the supervisor of the checkers' supervisors; the inner effect lasts as long as it does. */
  readonly serve: (id: string) => Effect.Effect<Effect.Effect<void, CheckersEnded>, never, Scope.Scope>
  /** Ends these checkers; they are begun anew, by the configuration of then, when they are asked again. */
  readonly retire: (where: (request: CheckRequest) => boolean) => Effect.Effect<void>
  /** Fails while the checkers do not run. */
  readonly ready: Effect.Effect<void, AgentNotReady>
  /** Checkers kept at the moment. */
  readonly size: Effect.Effect<number>
}>()("serviceradar/services/agent/CheckRunner") {
  static readonly layer = (options: CheckRunnerOptions = {}): Layer.Layer<CheckRunner, never, Prober> =>
    Layer.effect(CheckRunner, make(options))
}

const nothing = () => {}

const answered = (told: Told, answer: Answer): () => void => {
  told(answer)
  return nothing
}

const make = Effect.fnUntraced(function*(options: CheckRunnerOptions) {
  const prober = yield* Prober
  const limits: CheckerPool.PoolLimits = {
    checkersMax: options.checkersMax ?? checkersMaxDefault,
    idle: Duration.fromInputUnsafe(options.idle ?? idleDefault)
  }
  const context = yield* Effect.context()
  const measured = CheckMetrics.make(prober.serviceTypes, context)
  const clock = yield* Clock.Clock
  let current: CheckerPool.CheckerPool | undefined

  const ask = (request: CheckRequest, told: Told): () => void => {
    const lengths = checkLengths(request)
    if (Result.isFailure(lengths)) return answered(told, Exit.fail(lengths.failure))
    if (current === undefined) return answered(told, Exit.fail(new AgentNotReady()))
    const startedMillis = Monotonic.millisOf(clock)
    return current.ask(request, (answer) => {
      if (Exit.isSuccess(answer)) {
        measured(request.serviceType, answer.value, 1e6 * (Monotonic.millisOf(clock) - startedMillis))
      }
      told(answer)
    })
  }
  const check = (request: CheckRequest): Effect.Effect<ProbeResult, CheckError> =>
    Effect.callback((resume) => {
      const leave = ask(request, resume)
      return Effect.sync(leave)
    })
  // The native tracer keeps nothing, so a span for each check would only cost time.
  const isTraced = Context.getOrUndefined(context, Tracer.Tracer) !== undefined
  const run = isTraced
    ? (request: CheckRequest) => Effect.withSpan(check(request), "CheckRunner.run")
    : check

  const serve = Effect.fnUntraced(function*(id: string) {
    const { await: ended, pool } = yield* CheckerPool.start(id, prober, limits)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        current = pool
      }),
      () =>
        Effect.sync(() => {
          if (current === pool) current = undefined
        })
    )
    return ended
  })

  const retire = (where: (request: CheckRequest) => boolean) =>
    Effect.suspend(() => current?.retireAll(where) ?? Effect.void)

  const ready = Effect.suspend(() => current === undefined ? Effect.fail(new AgentNotReady()) : Effect.void)

  return CheckRunner.of({ run, ask, serve, retire, ready, size: Effect.sync(() => current?.size ?? 0) })
})
