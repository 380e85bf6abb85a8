/**
 * The place of one plugin: which version of it runs, and with what state.
 *
 * A new version takes its place at the next call, with the state of the old one. The old one is kept until the new one has
 * answered `probationCalls` times; does it fail one of them, the old one is back, with its state of before, and makes that
 * call. A version without one before it, or that has stood its probation, is switched off when it fails too often; its file
 * must change then. What a plugin fails on goes on as it was.
 */
import { Duration, Effect, Metric, Result, Semaphore } from "effect"
import * as ModuleContract from "../../../domain/plugins/ModuleContract.ts"
import * as PluginContract from "../../../domain/poller/plugins/PluginContract.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import type { PluginFault } from "../../plugins/PluginFault.ts"
import * as PluginMetrics from "./PluginMetrics.ts"
import type { PluginModule } from "./PluginModule.ts"

export interface PluginSlot {
  /** This version is to take over at the next call. */
  readonly offer: (module: PluginModule) => Effect.Effect<void>
  /** Whether there is anything to call. */
  readonly isFor: (kind: PluginContract.PluginKind, serviceType: string) => boolean
  /** The input as the plugin wants it, or as it is. */
  readonly run: (input: PluginContract.Input) => Effect.Effect<PluginContract.Input>
  readonly close: Effect.Effect<void>
}

/** Calls that a new version must answer before the old one is let go. */
export const probationCalls = 3
/** In a row, of a version that has no other to go back to. */
export const failuresMax = 5
/** Answers that wait for the plugin; more go on as they are. */
const waitingMax = 1_000

interface Running {
  readonly module: PluginModule
  state: ModuleContract.State
  answered: number
  failed: number
  /** Until this one has stood its probation. */
  before: Running | undefined
}

const changed = (input: PluginContract.Input, { available, message }: PluginContract.Answer): PluginContract.Input => ({
  ...input,
  ...(available === undefined ? {} : { available }),
  ...(message === undefined ? {} : { message })
})

/** An answer that has waited for its turn for longer than `patience` goes on as it is. */
export const make = (name: string, patience: Duration.Duration) => {
  const patienceMillis = Duration.toMillis(patience)
  const turn = Semaphore.makeUnsafe(1)
  let running: Running | undefined
  let candidate: PluginModule | undefined
  let waiting = 0

  const count = (outcome: PluginMetrics.CallOutcome) =>
    Metric.update(Metric.withAttributes(PluginMetrics.calls, { outcome }), 1)
  const countSwap = (outcome: PluginMetrics.SwapOutcome) =>
    Metric.update(Metric.withAttributes(PluginMetrics.swaps, { outcome }), 1)

  const closeAll = (one: Running | undefined): Effect.Effect<void> =>
    one === undefined ? Effect.void : Effect.andThen(one.module.close, closeAll(one.before))

  const stateFor = (module: PluginModule): Effect.Effect<ModuleContract.State, PluginFault> => {
    if (running === undefined) return module.initial
    const { manifest } = running.module
    const way = ModuleContract.handOver(manifest, module.manifest)
    if (way === "begin") return module.initial
    return way === "keep"
      ? Effect.succeed(running.state)
      : module.migrate(running.state, ModuleContract.stateVersionOf(manifest))
  }

  const swap = Effect.fnUntraced(function*(module: PluginModule) {
    const state = yield* Effect.result(stateFor(module))
    if (Result.isFailure(state)) {
      yield* Effect.logError(`${state.failure.message}; version ${module.version} is not taken`)
      yield* Effect.andThen(countSwap("refused"), module.close)
      return
    }
    // One version to go back to is enough: the newest that has stood its probation.
    const before = running?.before ?? running
    if (running?.before !== undefined) yield* running.module.close
    running = { module, state: state.success, answered: 0, failed: 0, before }
    yield* Effect.andThen(
      countSwap("swapped"),
      Effect.logInfo(`plugin ${name}: version ${module.version} ${before === undefined ? "runs" : "takes over"}`)
    )
  })

  const failed = Effect.fnUntraced(function*(one: Running, fault: PluginFault) {
    one.failed += 1
    yield* count(fault.reason === "timed out" ? "timed_out" : "failed")
    const { before, module } = one
    if (before !== undefined) {
      running = before
      yield* Effect.logError(`${fault.message}; version ${module.version} goes, ${before.module.version} is back`)
      return yield* Effect.andThen(countSwap("rolled_back"), module.close)
    }
    if (one.failed < failuresMax && one.answered >= probationCalls) {
      return yield* Effect.logWarning(`${fault.message}; the answer goes on as it was`)
    }
    running = undefined
    yield* Effect.logError(`${fault.message}; it is switched off until its file changes`)
    yield* Effect.andThen(countSwap("switched_off"), module.close)
  })

  const call: (input: PluginContract.Input) => Effect.Effect<PluginContract.Input> = Effect.fnUntraced(
    function*(input: PluginContract.Input) {
      const next = candidate
      candidate = undefined
      if (next !== undefined) yield* swap(next)
      const one = running
      if (one === undefined) return input
      const answer = yield* Effect.result(one.module.process(input, one.state))
      if (Result.isFailure(answer)) {
        yield* failed(one, answer.failure)
        // The version before is asked in its place.
        return one.before === undefined ? input : yield* call(input)
      }
      one.state = answer.success.state ?? one.state
      one.failed = 0
      one.answered += 1
      if (one.answered === probationCalls && one.before !== undefined) {
        const { before } = one
        one.before = undefined
        yield* closeAll(before)
      }
      yield* count("answered")
      return changed(input, answer.success)
    }
  )

  const run = (input: PluginContract.Input) =>
    Effect.flatMap(Monotonic.millis, (cameMillis) => {
      if (waiting >= waitingMax) return Effect.as(count("busy"), input)
      waiting += 1
      return turn.withPermit(Effect.flatMap(Monotonic.millis, (now) =>
        now - cameMillis > patienceMillis ? Effect.as(count("busy"), input) : call(input))).pipe(
          Effect.ensuring(Effect.sync(() => {
            waiting -= 1
          }))
        )
    })

  return {
    offer: (module) =>
      Effect.suspend(() => {
        const unused = candidate
        candidate = module
        return unused?.close ?? Effect.void
      }),
    isFor: (kind, serviceType) => {
      const module = candidate ?? running?.module
      return module !== undefined && PluginContract.isFor(module.manifest, kind, serviceType)
    },
    run,
    close: Effect.suspend(() => {
      const [unused, last] = [candidate, running]
      candidate = undefined
      running = undefined
      return Effect.andThen(unused?.close ?? Effect.void, closeAll(last))
    })
  } satisfies PluginSlot
}
