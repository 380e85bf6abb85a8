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
 * What the shutdown limit cuts off is rejected as `abandoned`, so that the source may redeliver it at once.
 */
import { Duration, Effect, type Scope } from "effect"
import type { Backoff, ChildOptions, ChildSpec } from "../supervision/ChildSpec.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import type { SupervisorShutdown, SupervisorStartError } from "../supervision/SupervisorError.ts"
import { abandon, type Core, empty, makeCore, startStages, type Typed } from "./internal/PipelineCore.ts"
import type { ProducerStalled } from "./internal/ProducerStage.ts"
import type { RateLimitOptions } from "./internal/RateGate.ts"
import * as Options from "./PipelineOptions.ts"

export interface PipelineStatus {
  readonly state: "running" | "draining" | "drained"
  readonly received: number
  readonly ok: number
  readonly failed: number
  readonly crashed: number
  readonly inFlight: number
  /** Calls of the acknowledger, or of the handler of rejected messages, that failed or were too slow. */
  readonly acknowledgeFailures: number
  readonly rejectedFailures: number
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
  /** Until every producer is done and drained, or until the pipeline gives up. */
  readonly await: Effect.Effect<void, PipelineShutdown<EP>>
}

type StartError<EP> = Options.InvalidPipelineOptions | SupervisorStartError<SupervisorShutdown<EP | ProducerStalled>>

/** Starts the stages and returns; closing the Scope drains them. */
export function start<In, EP, RP, EH, RH, RA, const Bs extends Options.Batchers = readonly []>(
  options: Options.PipelineOptions<In, EP, RP, EH, RH, RA, Bs>
): Effect.Effect<Pipeline<EP>, StartError<EP>, Services<RP, RH, RA, Bs> | Scope.Scope>
export function start<In, EP, RP, EH, RH, RA, EB, RB>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB>
): Effect.Effect<Pipeline<EP>, StartError<EP>, RP | RH | RA | RB | Scope.Scope> {
  return startTyped(options)
}

/** Runs until every producer is done and every message has its outcome; interrupting it drains. */
export function run<In, EP, RP, EH, RH, RA, const Bs extends Options.Batchers = readonly []>(
  options: Options.PipelineOptions<In, EP, RP, EH, RH, RA, Bs>
): Effect.Effect<void, StartError<EP> | PipelineShutdown<EP>, Exclude<Services<RP, RH, RA, Bs>, Scope.Scope>>
export function run<In, EP, RP, EH, RH, RA, EB, RB>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB>
): Effect.Effect<void, StartError<EP> | PipelineShutdown<EP>, Exclude<RP | RH | RA | RB, Scope.Scope>> {
  return Effect.scoped(Effect.flatMap(startTyped(options), (pipeline) => pipeline.await))
}

/** How a pipeline is run by a supervisor. Its shutdown is the pipeline's own limit and what acknowledging takes. */
export type PipelineChildOptions = Pick<ChildOptions, "restart" | "significant"> & { readonly childBackoff?: Backoff }

/** A pipeline as a child, started when its stages are. */
export function child<In, EP, RP, EH, RH, RA, const Bs extends Options.Batchers = readonly []>(
  options: Options.PipelineOptions<In, EP, RP, EH, RH, RA, Bs> & PipelineChildOptions
): ChildSpec<StartError<EP> | PipelineShutdown<EP>, Exclude<Services<RP, RH, RA, Bs>, Scope.Scope>>
export function child<In, EP, RP, EH, RH, RA, EB, RB>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB> & PipelineChildOptions
): ChildSpec<StartError<EP> | PipelineShutdown<EP>, Exclude<RP | RH | RA | RB, Scope.Scope>> {
  const { shutdown, acknowledgeTimeout } = Options.settingsOf(options)
  return Supervisor.child({
    id: options.name,
    shutdown: Duration.sum(shutdown, Duration.times(acknowledgeTimeout, 2)),
    ...(options.restart === undefined ? {} : { restart: options.restart }),
    ...(options.significant === undefined ? {} : { significant: options.significant }),
    ...(options.childBackoff === undefined ? {} : { backoff: options.childBackoff }),
    start: Effect.map(startTyped(options), (pipeline) => pipeline.await)
  })
}

type Services<RP, RH, RA, Bs extends Options.Batchers> = RP | RH | RA | Options.ServicesOf<Bs>

const startTyped = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB>
) {
  const problem = Options.check(options)
  if (problem !== undefined) return yield* problem
  const settings = Options.settingsOf(options)
  const core = yield* makeCore(options, settings)
  let state: PipelineStatus["state"] = "running"
  // Runs when the stages have ended, whoever ended them: an outcome for whatever they left.
  yield* Effect.addFinalizer(() => abandon(core))
  const stages = yield* startStages(core)
  const drain = Effect.gen(function*() {
    if (state === "drained") return
    state = "draining"
    yield* Effect.ignore(stages.terminateChild("producers"))
    yield* empty(core)
    state = "drained"
  }).pipe(Effect.provideContext(yield* Effect.context<RA>()))
  // A pipeline that gave up has nobody left to drain it.
  const ended = Effect.ignore(stages.await)
  yield* Effect.addFinalizer(() =>
    Effect.asVoid(Effect.timeoutOption(Effect.interruptible(Effect.raceFirst(drain, ended)), settings.shutdown))
  )
  const pipeline: Pipeline<EP> = {
    status: Effect.sync(() => statusOf(core, state)),
    setRateLimit: (limit) =>
      Effect.suspend(() => {
        const problem = Options.checkRate(options.name, limit)
        if (problem !== undefined) return Effect.fail(problem)
        // A drain has lifted the limit for good.
        return Effect.sync(() => {
          if (state === "running") core.ports.rate.change(limit)
        })
      }),
    drain,
    await: Effect.raceFirst(Effect.andThen(core.sourceEnded.await, drain), stages.await)
  }
  return pipeline
})

const statusOf = <In, EP, RP, EH, RH, RA, EB, RB>(
  { slots, ports: { settlement, telemetry }, stall }: Core<In, EP, RP, EH, RH, RA, EB, RB>,
  state: PipelineStatus["state"]
): PipelineStatus => ({
  state,
  received: slots.reduce((sum, slot) => sum + slot.received, 0),
  ok: settlement.ok,
  failed: settlement.failed,
  crashed: settlement.crashed,
  inFlight: settlement.inFlight.count,
  acknowledgeFailures: settlement.acknowledgeFailures,
  rejectedFailures: settlement.rejectedFailures,
  observerFailures: telemetry.failures,
  isStalled: stall.isStalled
})
