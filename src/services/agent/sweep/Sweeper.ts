/**
 * Sweeps what the agent is told to, again and again, and keeps the last sweep that came to its end for those who ask.
 *
 * Unlike in the Go agent a sweep shows when it is complete, so nobody reads half of one, results do not age away, and the
 * sequence changes once for each sweep. A sweep that was interrupted goes on where it was, also after a restart of the
 * agent. A new assignment begins a sweep at once when none runs; one that runs comes to its end first.
 */
import { Clock, Context, Duration, Effect, Layer, Option, Ref, Result, Stream, SubscriptionRef } from "effect"
import { SweepFindings } from "../../../domain/agent/sweep/SweepFindings.ts"
import * as SweepPlan from "../../../domain/agent/sweep/SweepPlan.ts"
import * as SweepReport from "../../../domain/agent/sweep/SweepReport.ts"
import * as SweepSettings from "../../../domain/agent/sweep/SweepSettings.ts"
import type { TargetPolicy } from "../../../domain/monitoring/checks/TargetPolicy.ts"
import * as SweepRun from "./SweepRun.ts"
import type { ScanFailed, SweepScanner } from "./SweepScanner.ts"
import { SweepState, type SweepStateError } from "./SweepState.ts"
import * as SweepTurns from "./SweepTurns.ts"

export interface SweeperOptions {
  readonly policy: TargetPolicy
  /** What the file says now; the same value while it is the same file. */
  readonly file: Effect.Effect<Option.Option<SweepSettings.PartialSettings>>
  /** What the agent is told beside its file, the newest. */
  readonly told: SubscriptionRef.SubscriptionRef<Option.Option<SweepSettings.PartialSettings>>
}

export interface SweepProgress {
  readonly totalHosts: number
  readonly doneHosts: number
}

export interface SweepSnapshot {
  /** Networks that are swept; none: there is no sweep service. */
  readonly networks: Option.Option<ReadonlyArray<string>>
  /** The last sweep that came to its end. */
  readonly last: Option.Option<SweepReport.Layout>
  /** Of the last sweep: another number than that of any before it. */
  readonly sequence: number
  /** Of the sweep that runs. */
  readonly progress: Option.Option<SweepProgress>
  /** Why the last attempt did not come to its end; empty when it did. */
  readonly problem: string
}

/** Between the end of a sweep and the next, however short its interval and however often the assignment changes. */
const pauseMin = Duration.seconds(1)
/** Whether the file is another one. */
const lookEvery = Duration.seconds(5)
/** Milliseconds: what was found longer ago is no part of a sweep that goes on. */
const goesOnMax = Duration.toMillis(Duration.hours(24))

/** Measures a sweep without holding up others. */
const layOut = (findings: SweepFindings) => SweepTurns.run(SweepReport.layOut(findings))

export class Sweeper extends Context.Service<Sweeper, {
  readonly snapshot: Effect.Effect<SweepSnapshot>
  /** Sweeps and goes on sweeping, for a supervisor. */
  readonly run: Effect.Effect<never, ScanFailed, SweepScanner>
}>()("serviceradar-effect/services/agent/sweep/Sweeper") {
  static readonly layer = (options: SweeperOptions) => Layer.effect(this, make(options))
}

/** None where neither says what to sweep. */
const merged = (
  file: Option.Option<SweepSettings.PartialSettings>,
  told: Option.Option<SweepSettings.PartialSettings>
): Option.Option<SweepSettings.SweepSettings> =>
  Option.isNone(file) && Option.isNone(told)
    ? Option.none()
    : Option.some(SweepSettings.merge(Option.getOrElse(file, () => ({})), Option.getOrElse(told, () => ({}))))

const make = Effect.fnUntraced(function*({ file, policy, told }: SweeperOptions) {
  const state = yield* SweepState
  const startedMillis = yield* Clock.currentTimeMillis
  const now = yield* Ref.make<SweepSnapshot>({
    networks: Option.none(),
    last: Option.none(),
    // Without memory of earlier sweeps a number that none of them had.
    sequence: Math.floor(startedMillis / 1000),
    progress: Option.none(),
    problem: ""
  })
  /** What was kept is read once; from then on this process knows better. */
  let isRestored = false
  /** What is left out of a plan is told once. */
  let complained = ""

  const update = (change: Partial<SweepSnapshot>) => Ref.update(now, (before) => ({ ...before, ...change }))

  /** The disk fails, which is told once, until it does not. */
  let isUnkept = false

  /** The sweep goes on without its memory when the disk fails. */
  const kept = (attempt: Effect.Effect<void, SweepStateError>) =>
    Effect.matchEffect(attempt, {
      onFailure: (error) =>
        Effect.suspend(() => {
          const isNews = !isUnkept
          isUnkept = true
          return isNews
            ? Effect.logWarning(
              `what a sweep has done cannot be kept, so it would begin anew after a restart: ${error.message}`
            )
            : Effect.void
        }),
      onSuccess: () =>
        Effect.sync(() => {
          isUnkept = false
        })
    })

  /** Brings back what an earlier life of the agent has kept, and answers with the findings to go on from. */
  const restore = Effect.fnUntraced(function*(plan: SweepPlan.SweepPlan, identity: string) {
    const fresh = new SweepFindings(plan)
    const loaded = yield* Effect.result(state.load(identity))
    if (Result.isFailure(loaded)) {
      yield* Effect.logWarning(`earlier sweeps cannot be read: ${loaded.failure.message}`)
      return fresh
    }
    const { completed, interrupted, sequence, unreadable } = loaded.success
    if (!isRestored) {
      isRestored = true
      const before = new SweepFindings(plan)
      for (const block of completed) before.add(block)
      const isPartOnly = completed.length > 0 && !before.isComplete
      yield* Effect.forEach(
        isPartOnly ? [...unreadable, "a part of the last sweep is missing: what it had found is lost"] : unreadable,
        (problem) => Effect.logWarning(`an earlier sweep cannot be read: ${problem}`),
        { discard: true }
      )
      const last = before.isComplete ? Option.some(yield* layOut(before)) : Option.none()
      yield* update({ last, ...(sequence === undefined ? {} : { sequence }) })
    }
    const nowMillis = yield* Clock.currentTimeMillis
    for (const block of interrupted) if (nowMillis - block.at < goesOnMax) fresh.add(block)
    return fresh
  })

  const sweep = Effect.fnUntraced(function*(wanted: SweepSettings.SweepSettings) {
    const plan = SweepPlan.make(wanted, policy)
    const complaints = [
      ...plan.rejected.map((line) => `left out of the sweep: ${line}`),
      ...(plan.hosts === 0 ? ["no host is left to sweep; what was found last stays"] : [])
    ]
    if (complained !== complaints.join("\n")) {
      complained = complaints.join("\n")
      yield* Effect.forEach(complaints, (line) => Effect.logWarning(line))
    }
    yield* update({ networks: Option.some(wanted.networks), progress: Option.none() })
    if (plan.hosts === 0) return
    const identity = SweepPlan.identityOf(plan)
    const findings = yield* restore(plan, identity)
    const goesOn = findings.hosts > 0
    if (goesOn) {
      yield* Effect.logInfo(`an interrupted sweep goes on: ${findings.hosts} of ${plan.hosts} hosts are done`)
    }
    yield* kept(state.begin(identity, goesOn))
    const progress = update({
      progress: Option.some({ totalHosts: plan.hosts, doneHosts: findings.hosts })
    })
    yield* progress
    const { icmpBy } = yield* SweepRun.run(findings, wanted, ({ found }) =>
      Effect.andThen(
        kept(state.add(found)),
        Effect.suspend(() => update({ progress: Option.some({ totalHosts: plan.hosts, doneHosts: findings.hosts }) }))
      ))
    const last = yield* layOut(findings)
    const { sequence } = yield* Ref.updateAndGet(now, (before) => ({
      ...before,
      last: Option.some(last),
      sequence: before.sequence + 1,
      progress: Option.none(),
      problem: ""
    }))
    yield* kept(state.complete(sequence))
    const by = icmpBy === "" ? "" : `, echo requests by ${icmpBy}`
    yield* Effect.logInfo(`swept ${findings.hosts} hosts, ${findings.availableHosts} of them available${by}`)
  })

  /** One sweep, and the wait for the next. */
  const round = Effect.gen(function*() {
    const document = yield* SubscriptionRef.get(told)
    const own = yield* file
    const wanted = merged(own, document)
    const startedMillis = yield* Clock.currentTimeMillis
    const changed = Effect.raceFirst(
      Effect.asVoid(Stream.runHead(Stream.filter(SubscriptionRef.changes(told), (one) => one !== document))),
      Effect.repeat(Effect.delay(file, lookEvery), { until: (one) => one !== own })
    )
    if (Option.isNone(wanted)) {
      yield* update({ networks: Option.none() })
      yield* changed
      return
    }
    yield* sweep(wanted.value).pipe(
      Effect.tapError(({ message }) => update({ problem: message, progress: Option.none() }))
    )
    const spentMillis = (yield* Clock.currentTimeMillis) - startedMillis
    const rest = Duration.subtract(wanted.value.interval, Duration.millis(spentMillis))
    yield* Effect.sleep(pauseMin)
    yield* Effect.raceFirst(changed, Effect.sleep(Duration.max(Duration.subtract(rest, pauseMin), Duration.zero)))
  })

  return Sweeper.of({ snapshot: Ref.get(now), run: Effect.forever(round) })
})
