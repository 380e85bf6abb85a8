/**
 * One run of one source, from the first page to what becomes of it.
 *
 * Pages go to a generation of their own. Only when all of them came (`Paging`) and the guard lets them pass
 * (`SourceGuard`) does that generation take the place of the one before; in every other case nothing changes but the
 * reason that is told. A failure that may pass is tried again from the page where it happened.
 */
import { Clock, DateTime, Duration, Effect, Option, Random, Ref, Schedule, type Scope, Stream } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as Paging from "../../domain/inventory/Paging.ts"
import type { SourceContext } from "../../domain/inventory/SourceContext.ts"
import * as SourceGuard from "../../domain/inventory/SourceGuard.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import type { DeviceSource, SourcePage } from "./DeviceSource.ts"
import * as FaultLog from "./FaultLog.ts"
import * as GenerationComparison from "./GenerationComparison.ts"
import * as SourceErrors from "./SourceError.ts"
import type { SourceError } from "./SourceError.ts"
import { type Generation, type GenerationWriter, type PlanItem, Spool, type SpoolError } from "./Spool.ts"
import * as SyncMetrics from "./SyncMetrics.ts"
import { SyncProgress } from "./SyncProgress.ts"

export interface RunnableSource {
  readonly source: DeviceSource
  readonly context: Omit<SourceContext, "timestamp">
  readonly guard: SourceGuard.GuardPolicy
}

export type RunResult =
  | { readonly _tag: "Committed"; readonly generation: Generation }
  | { readonly _tag: "Held"; readonly planId: string; readonly reason: string; readonly detail: string }
  | { readonly _tag: "Failed"; readonly reason: string; readonly detail: string }
  | { readonly _tag: "Superseded" }

/** After a page has failed for good, the run goes on from there this often. */
const resumesMax = 2

const resumeSchedule = Schedule.upTo(Backoff.capped({ from: "2 seconds", to: "30 seconds" }), { times: resumesMax })

interface Tally {
  readonly resume: string | undefined
  readonly pages: number
  readonly devices: number
  readonly rejected: number
  /** By query: devices that came, each once, rejected ones included, and what the source said last. */
  readonly queries: ReadonlyMap<number, { readonly came: number; readonly total: number | undefined }>
}

const nothing: Tally = { resume: undefined, pages: 0, devices: 0, rejected: 0, queries: new Map() }

const largest = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? one ?? other : Math.max(one, other)

/** `fresh`: devices and rejected elements that the query had not brought before. */
const add = (tally: Tally, page: SourcePage, fresh: number): Tally => {
  const before = tally.queries.get(page.query) ?? { came: 0, total: undefined }
  return {
    resume: page.resume,
    pages: tally.pages + 1,
    devices: tally.devices + page.sightings.length,
    rejected: tally.rejected + page.rejections.length,
    queries: new Map(tally.queries).set(page.query, {
      came: before.came + fresh,
      // Of a total that changes on the way the largest counts: a source that shrinks meanwhile is read once more.
      total: largest(before.total, page.total)
    })
  }
}

/** Devices written at a time: between two of these, whoever reads or asks has a turn. */
const sliceMax = 200

/** Answers how many devices the query had not brought before. */
const write = Effect.fnUntraced(function*(writer: GenerationWriter, { query, sightings }: SourcePage) {
  let fresh = 0
  for (let from = 0; from < sightings.length; from += sliceMax) {
    fresh += yield* writer.add(query, sightings.slice(from, from + sliceMax))
    yield* Effect.yieldNow
  }
  return fresh
})

/** Rejections told by name in the log, of one run. */
const rejectionsLogged = 5

const take = Effect.fnUntraced(function*(
  name: string,
  writer: GenerationWriter,
  tally: Ref.Ref<Tally>,
  page: SourcePage
) {
  const progress = yield* SyncProgress
  let fresh = yield* write(writer, page)
  if (page.rejections.length > 0) {
    fresh += yield* writer.reject(page.query, page.rejections.map(({ key }) => key))
    const before = (yield* Ref.get(tally)).rejected
    yield* Effect.forEach(page.rejections, ({ reason, sample }, index) =>
      Effect.andThen(
        SyncMetrics.rejected(name, reason),
        before + index < rejectionsLogged
          ? Effect.logWarning(`Source ${name} has an element that is no usable device (${reason}): ${sample}`)
          : Effect.void
      ), { discard: true })
  }
  const after = yield* Ref.updateAndGet(tally, (before) => add(before, page, fresh))
  yield* SyncMetrics.page(name, page.sightings.length)
  yield* progress.update(name, { pages: after.pages, devices: after.devices, rejected: after.rejected })
})

/** All pages into the writer; fails when they were not all. */
const fetchAll = Effect.fnUntraced(function*(name: string, source: DeviceSource, writer: GenerationWriter) {
  const tally = yield* Ref.make(nothing)
  const rest = Effect.flatMap(Ref.get(tally), ({ resume }) =>
    // The next page is asked for while this one is written.
    source.pages(resume).pipe(
      Stream.buffer({ capacity: 1 }),
      Stream.runForEach((page) => take(name, writer, tally, page))
    ))
  yield* Effect.retry(rest, {
    schedule: resumeSchedule,
    while: (error) => error._tag === "SourceError" && SourceErrors.isPassing(error)
  })
  const { queries } = yield* Ref.get(tally)
  for (const [query, { came, total }] of queries) {
    const problem = Paging.settle(came, total)
    if (problem !== undefined) {
      return yield* SourceErrors.make(name, problem.reason, `query ${query}: ${problem.detail}`)
    }
  }
})

/** A sealed generation and what it stands beside. */
interface Fetched {
  readonly generation: Generation
  readonly base: Option.Option<Generation>
  readonly verdict: SourceGuard.Verdict
}

/** Fetches and seals; the generation is nobody's yet. */
const fetch = Effect.fnUntraced(function*({ context, guard, source }: RunnableSource): Effect.fn.Return<
  Fetched,
  SourceError | SpoolError,
  Spool | SyncProgress | Scope.Scope
> {
  const spool = yield* Spool
  const progress = yield* SyncProgress
  const now = yield* DateTime.now
  const { name } = context
  yield* progress.update(name, {
    phase: "fetching",
    pages: 0,
    devices: 0,
    rejected: 0,
    startedAt: DateTime.toEpochMillis(now),
    fetchedAt: 0,
    detail: ""
  })
  const writer = yield* spool.begin({ ...context, timestamp: DateTime.formatIso(now) })
  yield* fetchAll(name, source, writer)
  yield* progress.update(name, { phase: "sealing", fetchedAt: yield* Clock.currentTimeMillis })
  const { current: base } = yield* spool.state(name)
  const generation = yield* writer.seal(base)
  const lastGood = Option.getOrUndefined(Option.map(base, ({ devices }) => devices))
  return { generation, base, verdict: SourceGuard.judge(guard, generation.received, lastGood) }
})

const itemOf = Effect.fnUntraced(function*({ base, generation, verdict }: Fetched) {
  const item: PlanItem = {
    source: generation.context.name,
    base: Option.match(base, { onNone: () => 0, onSome: ({ id }) => id }),
    generation: generation.id,
    devices: generation.devices,
    held: verdict._tag === "Held" ? verdict.reason : "",
    detail: verdict._tag === "Held" ? verdict.detail : "",
    diff: yield* GenerationComparison.compare(base, generation)
  }
  return item
})

/** Decides about a run by itself, as the service does. */
const decide = Effect.fnUntraced(function*(fetched: Fetched): Effect.fn.Return<RunResult, SpoolError, Spool> {
  const spool = yield* Spool
  const { generation, verdict } = fetched
  if (verdict._tag === "Accepted") {
    return (yield* spool.commit(generation)) ? { _tag: "Committed", generation } : { _tag: "Superseded" }
  }
  const plan = yield* spool.hold([yield* itemOf(fetched)])
  yield* spool.fail(generation.context.name, verdict.reason, verdict.detail)
  return { _tag: "Held", planId: plan.id, reason: verdict.reason, detail: verdict.detail }
})

const tell = Effect.fnUntraced(function*(name: string, result: RunResult) {
  switch (result._tag) {
    case "Committed":
      return yield* Effect.logInfo(`Source ${name}: ${result.generation.devices} devices`)
    case "Held":
      return yield* Effect.logWarning(
        `Source ${name} is held, what it had before stays: ${result.detail}. ` +
          `If this is right: serviceradar sync apply ${result.planId}`
      )
    case "Failed":
      return yield* Effect.logWarning(
        `Source ${name} failed, what it had before stays: ${result.reason}: ${result.detail}`
      )
    case "Superseded":
      return yield* Effect.logInfo(`Source ${name}: a newer run is there already`)
  }
})

const phases = { Committed: "committed", Held: "held", Failed: "failed", Superseded: "superseded" } as const

/** Runs the source once. Only the spool itself can fail it. */
export const run = Effect.fn("SourceRun.run")(function*(
  runnable: RunnableSource
): Effect.fn.Return<RunResult, SpoolError, Spool | SyncProgress> {
  const spool = yield* Spool
  const progress = yield* SyncProgress
  const { name } = runnable.context
  const startedAt = yield* Monotonic.millis
  const result = yield* fetch(runnable).pipe(
    Effect.flatMap(decide),
    Effect.scoped,
    Effect.catchTag("SourceError", (error) =>
      Effect.gen(function*(): Effect.fn.Return<RunResult, SpoolError> {
        yield* spool.fail(name, error.reason, error.detail)
        yield* SyncMetrics.failed(name, error.reason)
        return { _tag: "Failed", reason: error.reason, detail: error.detail }
      }))
  )
  const phase = phases[result._tag]
  const seconds = ((yield* Monotonic.millis) - startedAt) / 1000
  yield* progress.update(name, { phase, detail: "detail" in result ? result.detail : "", spoolFailure: Option.none() })
  yield* SyncMetrics.ended(name, phase, seconds)
  const { current } = yield* spool.state(name)
  const devices = Option.match(current, { onNone: () => 0, onSome: (one) => one.devices })
  yield* SyncMetrics.sourceState(name, devices, result._tag === "Failed" || result._tag === "Held")
  yield* tell(name, result)
  yield* spool.tidy
  return result
})

/** Runs the source and says what that would change; nothing does. What came is there until the scope closes. */
export const plan = Effect.fn("SourceRun.plan")(function*(
  runnable: RunnableSource
): Effect.fn.Return<PlanItem, SpoolError, Spool | SyncProgress | Scope.Scope> {
  const spool = yield* Spool
  const { name } = runnable.context
  return yield* fetch(runnable).pipe(
    Effect.flatMap(itemOf),
    Effect.catchTag("SourceError", (error) =>
      Effect.map(spool.state(name), ({ current }): PlanItem => ({
        source: name,
        base: Option.match(current, { onNone: () => 0, onSome: ({ id }) => id }),
        generation: 0,
        devices: 0,
        held: error.reason,
        detail: error.detail,
        diff: GenerationComparison.nothing
      })))
  )
})

const failedDelayFirst = Duration.minutes(1)

/** While a source does not serve what it has now, it is asked earlier than at its next interval. */
const afterFailure = (interval: Duration.Duration) => ({ from: Duration.min(failedDelayFirst, interval), to: interval })

/** A full disk is one source's trouble until there is room again. */
const spoolFailed = Effect.fnUntraced(function*(
  name: string,
  error: SpoolError,
  faults: FaultLog.FaultLog
): Effect.fn.Return<RunResult, never, SyncProgress> {
  const progress = yield* SyncProgress
  const now = yield* Clock.currentTimeMillis
  yield* faults.tell(
    name,
    // Each run has a file of its own.
    `${error.step} ${error.detail}`,
    Effect.logError(`Source ${name} failed, what it had before stays: ${error.message}`)
  )
  yield* SyncMetrics.failed(name, "spool")
  const before = (yield* progress.all).find(({ source }) => source === name)
  const since = Option.getOrElse(Option.map(before?.spoolFailure ?? Option.none(), (one) => one.since), () => now)
  const spoolFailure = Option.some({ detail: error.message, since })
  yield* progress.update(name, { phase: "failed", detail: error.message, spoolFailure })
  return { _tag: "Failed", reason: "spool", detail: error.message }
})

/** Runs at once and then each interval, never two at a time; a run that takes longer than the interval skips some. */
export const forever = Effect.fnUntraced(function*(
  runnable: RunnableSource,
  interval: Duration.Duration,
  onResult: (result: RunResult) => Effect.Effect<void>
): Effect.fn.Return<never, never, Spool | SyncProgress> {
  const { name } = runnable.context
  const faults = FaultLog.make()
  for (let failures = 0;;) {
    const startedAt = yield* Monotonic.millis
    const result = yield* Effect.catchTag(run(runnable), "SpoolError", (error) => spoolFailed(name, error, faults))
    if (result._tag !== "Failed") yield* faults.over(name)
    yield* onResult(result)
    failures = result._tag === "Failed" || result._tag === "Held" ? failures + 1 : 0
    const elapsed = (yield* Monotonic.millis) - startedAt
    const millis = Duration.toMillis(interval)
    yield* Effect.sleep(
      failures === 0
        ? Duration.millis(millis - (elapsed % millis))
        : Backoff.delay(afterFailure(interval), failures - 1, yield* Random.next)
    )
  }
})
