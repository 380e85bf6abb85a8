/**
 * A supervised pipeline with at-least-once acknowledgement, after Broadway.
 *
 *   NAME (rest_for_one)                  a crash restarts what is downstream of it, never what is upstream
 *   ├─ producers   (one_for_one)         one child per connection; transient, so a source may end
 *   ├─ processors                        `concurrency` workers that live and end together
 *   ├─ batchers    (one_for_one)         one child per batcher: it gathers, its workers handle
 *   └─ monitor                           notices when messages are in flight and none is settled
 *
 * What it adds to `Stream.groupedWithin`: one outcome per message on every path and an acknowledger that hears of it,
 * demand that counts messages until they are settled (so a slow handler stops the source, not only a slow queue), order
 * per key under concurrency, batches per key and by bytes, contained handlers, restarts, a rate limit that may change,
 * a bounded drain, and telemetry. A stream that is only grouped and written needs none of this.
 *
 * Closing the Scope drains: producers stop, processors empty, partial batches go out, last outcomes are acknowledged.
 * What the shutdown limit cuts off is rejected as `abandoned`, so that the source may redeliver it at once. When the
 * Scope is closed every message that was received has its outcome, also one whose handler cannot be interrupted, and the
 * acknowledger is not called any more.
 */
import { Duration, Effect, Exit, Latch, Scope } from "effect"
import type { Backoff, ChildOptions, ChildSpec } from "../supervision/ChildSpec.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import type { SupervisorShutdown, SupervisorStartError } from "../supervision/SupervisorError.ts"
import { abandon, type Core, empty, makeCore, startStages, type Typed } from "./internal/PipelineCore.ts"
import type { ProducerStalled } from "./internal/ProducerStage.ts"
import type { RateLimitOptions } from "./internal/RateGate.ts"
import { withinLimit } from "./internal/WithinLimit.ts"
import * as Options from "./PipelineOptions.ts"

export interface PipelineStatus {
  readonly state: "running" | "draining" | "drained"
  readonly received: number
  readonly ok: number
  readonly failed: number
  readonly crashed: number
  readonly inFlight: number
  /** Calls of the acknowledger that failed or were too slow; what they failed with is in the log. */
  readonly acknowledgeFailures: number
  /** The messages of those calls. */
  readonly unacknowledged: number
  /** Calls of the handler of rejected messages that failed or were too slow. */
  readonly rejectedFailures: number
  /** Lives of producers that ended with a failure. */
  readonly producerFailures: number
  readonly observerFailures: number
  readonly isStalled: boolean
}

/** Why a pipeline gave up. */
export type PipelineShutdown<EP> = SupervisorShutdown<SupervisorShutdown<EP | ProducerStalled>>

export interface Pipeline<EP> {
  readonly status: Effect.Effect<PipelineStatus>
  /** Takes effect at once, also for a producer that waits; `undefined` lifts the limit. */
  readonly setRateLimit: (limit: RateLimitOptions | undefined) => Effect.Effect<void, Options.InvalidPipelineOptions>
  /** Stops receiving and waits, without a limit of its own, until every message has its outcome. */
  readonly drain: Effect.Effect<void>
  /** Until it is drained, by itself when every producer is done, or closed; or until the pipeline gives up. */
  readonly await: Effect.Effect<void, PipelineShutdown<EP>>
}

type StartError<EP> = Options.InvalidPipelineOptions | SupervisorStartError<SupervisorShutdown<EP | ProducerStalled>>

/** Starts the stages and returns; closing the Scope drains them. */
export function start<In, EP, RP, EH, RH, RA, const Bs extends Options.Batchers = readonly [], O = undefined>(
  options: Options.PipelineOptions<In, EP, RP, EH, RH, RA, Bs, O>
): Effect.Effect<Pipeline<EP>, StartError<EP>, Services<RP, RH, RA, Bs> | Scope.Scope>
// boundary: batchers of different kinds are batchers of the union of what they fail with and need
export function start<In, EP, RP, EH, RH, RA, EB, RB, O>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB, O>
): Effect.Effect<Pipeline<EP>, StartError<EP>, RP | RH | RA | RB | Scope.Scope> {
  return startTyped(options)
}

/** Runs until every producer is done and every message has its outcome; interrupting it drains. */
export function run<In, EP, RP, EH, RH, RA, const Bs extends Options.Batchers = readonly [], O = undefined>(
  options: Options.PipelineOptions<In, EP, RP, EH, RH, RA, Bs, O>
): Effect.Effect<void, StartError<EP> | PipelineShutdown<EP>, Exclude<Services<RP, RH, RA, Bs>, Scope.Scope>>
// boundary: batchers of different kinds are batchers of the union of what they fail with and need
export function run<In, EP, RP, EH, RH, RA, EB, RB, O>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB, O>
): Effect.Effect<void, StartError<EP> | PipelineShutdown<EP>, Exclude<RP | RH | RA | RB, Scope.Scope>> {
  return Effect.scoped(Effect.flatMap(startTyped(options), (pipeline) => pipeline.await))
}

/** How a pipeline is run by a supervisor. Its shutdown is `shutdownMax` of its options. */
export type PipelineChildOptions = Pick<ChildOptions, "restart" | "significant"> & { readonly childBackoff?: Backoff }

/** A pipeline as a child, started when its stages are. */
export function child<In, EP, RP, EH, RH, RA, const Bs extends Options.Batchers = readonly [], O = undefined>(
  options: Options.PipelineOptions<In, EP, RP, EH, RH, RA, Bs, O> & PipelineChildOptions
): ChildSpec<StartError<EP> | PipelineShutdown<EP>, Exclude<Services<RP, RH, RA, Bs>, Scope.Scope>>
// boundary: batchers of different kinds are batchers of the union of what they fail with and need
export function child<In, EP, RP, EH, RH, RA, EB, RB, O>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB, O> & PipelineChildOptions
): ChildSpec<StartError<EP> | PipelineShutdown<EP>, Exclude<RP | RH | RA | RB, Scope.Scope>> {
  return Supervisor.child({
    id: options.name,
    shutdown: shutdownMax(options),
    ...(options.restart === undefined ? {} : { restart: options.restart }),
    ...(options.significant === undefined ? {} : { significant: options.significant }),
    ...(options.childBackoff === undefined ? {} : { backoff: options.childBackoff }),
    start: Effect.map(startTyped(options), (pipeline) => pipeline.await)
  })
}

/** How long stopping the stages may take once the drain is over; what does not stop then is left behind. */
const stopGrace = Duration.seconds(1)

/** The machine may be slow: no supervisor should lose its patience a moment too early. */
const slack = Duration.seconds(1)

/**
 * The longest that closing a pipeline's Scope takes: the drain, the end of the stages, and the rejection and
 * acknowledgement of what was left. A supervisor must grant as much.
 */
export const shutdownMax = (
  options: Parameters<typeof Options.settingsOf>[0]
): Duration.Duration => {
  const { acknowledgeTimeout, shutdown } = Options.settingsOf(options)
  return [stopGrace, Duration.times(acknowledgeTimeout, 2), slack].reduce(Duration.sum, shutdown)
}

type Services<RP, RH, RA, Bs extends Options.Batchers> = RP | RH | RA | Options.ServicesOf<Bs>

const startTyped = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB, O>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB, O>
) {
  const problem = Options.check(options)
  if (problem !== undefined) return yield* problem
  const settings = Options.settingsOf(options)
  const core = yield* makeCore(options, settings)
  const { rate, settlement } = core.ports
  let state: PipelineStatus["state"] = "running"
  const over = Latch.makeUnsafe(false)
  // Of their own, so that stages that do not stop cannot hold up what comes after them.
  const stageScope = yield* Scope.make()
  const close = (exit: Exit.Exit<unknown, unknown>) =>
    Effect.gen(function*() {
      yield* withinLimit(drain, settings.shutdown).pipe(Effect.exit)
      settlement.isStopping = true
      yield* withinLimit(Scope.close(stageScope, exit), stopGrace).pipe(Effect.exit)
      yield* abandon(core)
      // Whatever was left has its outcome now.
      state = "drained"
      yield* over.open
    })
  const stages = yield* Effect.onError(
    Scope.provide(startStages(core), stageScope),
    (cause) => Scope.close(stageScope, Exit.failCause(cause))
  )
  // A pipeline that gave up has nobody left to drain it.
  const ended = Effect.ignore(stages.await)
  const drain = Effect.gen(function*() {
    if (state === "drained") return
    state = "draining"
    yield* Effect.ignore(stages.terminateChild("producers"))
    const isEmpty = yield* Effect.raceFirst(Effect.as(empty(core), true), Effect.as(ended, false))
    if (!isEmpty) return
    state = "drained"
    yield* over.open
  }).pipe(Effect.provideContext(yield* Effect.context<RA>()))
  yield* Effect.addFinalizer(close)
  const pipeline: Pipeline<EP> = {
    status: Effect.sync(() => statusOf(core, state)),
    setRateLimit: (limit) =>
      Effect.suspend(() => {
        const problem = Options.checkRate(options.name, limit)
        if (problem !== undefined) return Effect.fail(problem)
        // A drain has lifted the limit for good.
        if (state === "running") rate.change(limit)
        return Effect.void
      }),
    drain,
    await: Effect.raceFirst(
      Effect.raceFirst(over.await, Effect.andThen(core.sourceEnded.await, drain)),
      stages.await
    )
  }
  return pipeline
})

const statusOf = <In, EP, RP, EH, RH, RA, EB, RB, O>(
  { slots, ports: { settlement, telemetry }, stall }: Core<In, EP, RP, EH, RH, RA, EB, RB, O>,
  state: PipelineStatus["state"]
): PipelineStatus => ({
  state,
  received: slots.reduce((sum, slot) => sum + slot.received, 0),
  ok: settlement.ok,
  failed: settlement.failed,
  crashed: settlement.crashed,
  inFlight: settlement.inFlight.count,
  acknowledgeFailures: settlement.acknowledgeFailures,
  unacknowledged: settlement.unacknowledged,
  rejectedFailures: settlement.rejectedFailures,
  producerFailures: slots.reduce((sum, slot) => sum + slot.failures, 0),
  observerFailures: telemetry.failures,
  isStalled: stall.isStalled
})
