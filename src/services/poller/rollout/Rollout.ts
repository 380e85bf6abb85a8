/**
 * Watches over a rollout: too many polls without an answer roll it back, and so does the flag, for as long as it is there.
 *
 * Rolled back, the poller asks no agent and reports nothing until somebody removes the flag; a flag that cannot be
 * written is tried again, and the rollback holds meanwhile.
 */
import { Clock, Context, Duration, Effect, Layer, Metric, Option, Schedule } from "effect"
import * as CallWindow from "../../../domain/breaker/CallWindow.ts"
import * as Rollback from "../../../domain/poller/rollout/Rollback.ts"
import type { RolloutConfig } from "../../../domain/poller/rollout/Rollout.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import * as PollerMetrics from "../PollerMetrics.ts"
import { RollbackFlag, type RollbackFlagError } from "./RollbackFlag.ts"
import * as RolloutGate from "./RolloutGate.ts"

export interface RolloutState {
  /** As of now. */
  readonly config: RolloutConfig
  readonly rollback: Option.Option<Rollback.Rollback>
  /** In the window until the last poll. */
  readonly polls: number
  readonly errors: number
}

export class Rollout extends Context.Service<Rollout, {
  readonly state: Effect.Effect<RolloutState>
  /** Its limits are others from now on. */
  readonly revise: (config: RolloutConfig) => Effect.Effect<void>
  readonly rollBack: (reason: string) => Effect.Effect<void, RollbackFlagError>
  readonly resume: Effect.Effect<void, RollbackFlagError>
  /** Looks at the flag and at the polls each second. */
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/poller/rollout/Rollout") {
  /** With the gate that it opens and closes. */
  static readonly layer = (config: RolloutConfig) =>
    Layer.effectContext(
      Effect.map(make(config), ({ gate, rollout }) =>
        Context.make(Rollout, rollout).pipe(Context.add(RolloutGate.RolloutGate, gate)))
    )
}

const lookEvery = "1 second"

const make = Effect.fnUntraced(function*(first: RolloutConfig) {
  const flag = yield* RollbackFlag
  const clock = yield* Clock.Clock
  let config = first
  let policy = Rollback.policyOf(config)
  let window = CallWindow.empty
  let current = Option.none<Rollback.Rollback>()
  /** The flag has it. */
  let isRecorded = false
  let trouble = ""

  const gate = RolloutGate.make((isError) => {
    window = CallWindow.add(window, policy, { isFailed: isError, durationMillis: 0 }, Monotonic.millisOf(clock))
  })

  const close = Effect.fnUntraced(function*(rollback: Rollback.Rollback) {
    const before = current
    current = Option.some(rollback)
    gate.set(false)
    yield* Metric.update(PollerMetrics.rolledBack, 1)
    if (Option.isNone(before)) {
      yield* Effect.logError(
        `the rollout is rolled back, no agent is polled until ${flag.file} is removed: ${rollback.reason}`
      )
    }
  })

  const open = Effect.gen(function*() {
    const before = current
    current = Option.none()
    isRecorded = false
    window = CallWindow.empty
    gate.set(true)
    yield* Metric.update(PollerMetrics.rolledBack, 0)
    if (Option.isSome(before)) yield* Effect.logInfo("the rollout goes on: its rollback was taken back")
  })

  const record = (rollback: Rollback.Rollback) =>
    Effect.map(flag.write(rollback), () => {
      isRecorded = true
    })

  const look = Effect.gen(function*() {
    const found = yield* flag.read
    if (Option.isSome(found)) {
      isRecorded = true
      if (Option.isNone(current)) yield* close(found.value)
    } else if (Option.isSome(current)) {
      yield* isRecorded ? open : record(current.value)
    }
    trouble = ""
  }).pipe(
    Effect.catch((error) => {
      const isNew = trouble !== error.message
      trouble = error.message
      return isNew ? Effect.logWarning(error.message) : Effect.void
    })
  )

  const judge = Effect.gen(function*() {
    if (Option.isSome(current)) return
    const reason = Rollback.reasonOf(config, window)
    if (Option.isNone(reason)) return
    const rollback = { atMillis: yield* Clock.currentTimeMillis, reason: reason.value }
    isRecorded = false
    yield* close(rollback)
  })

  const rollBack = Effect.fnUntraced(function*(reason: string) {
    if (Option.isSome(current)) return
    const rollback = { atMillis: yield* Clock.currentTimeMillis, reason }
    isRecorded = false
    yield* close(rollback)
    yield* record(rollback)
  }, Effect.uninterruptible)

  // Before anybody polls: a rollback outlives the process.
  yield* look

  return {
    gate,
    rollout: Rollout.of({
      state: Effect.sync(() => {
        const { calls, failed } = CallWindow.totals(window)
        return { config, rollback: current, polls: calls, errors: failed }
      }),
      revise: (next) =>
        Effect.sync(() => {
          // What was counted in parts of another length cannot go on.
          if (!Duration.equals(next.errorWindow, config.errorWindow)) window = CallWindow.empty
          config = next
          policy = Rollback.policyOf(next)
        }),
      rollBack,
      resume: Effect.uninterruptible(Effect.andThen(flag.remove, open)),
      run: Effect.andThen(
        Effect.repeat(Effect.andThen(judge, look), Schedule.spaced(lookEvery)),
        Effect.never
      )
    })
  }
})
