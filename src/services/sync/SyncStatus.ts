/** How the service stands, as `GetStatus` and the management server tell it. */
import { Clock, Effect, Option, Schema } from "effect"
import { ResultsStore } from "./ResultsStore.ts"
import { Spool, type SpoolError } from "./Spool.ts"
import { SyncProgress } from "./SyncProgress.ts"

const StaleSource = Schema.Struct({
  source: Schema.String,
  reason: Schema.String,
  detail: Schema.String,
  /** Unix seconds. */
  since: Schema.Int,
  /** A plan that would end it, when the run was held and not failed. */
  plan: Schema.optionalKey(Schema.String)
})
type StaleSource = typeof StaleSource.Type

/** Keys as the Go service has them: core tells this document from a list of devices by `devices` and `status`. */
export const SyncStatus = Schema.Struct({
  devices: Schema.Int,
  /** Unix seconds; Go's zero time before the first. */
  last_discovery: Schema.Int,
  /** Sources that have devices in the served set. */
  sources: Schema.Int,
  /** `degraded` while a source serves an older run, or none yet. */
  status: Schema.Literals(["healthy", "degraded"]),
  timestamp: Schema.Int,
  sequence: Schema.String,
  stale: Schema.Array(StaleSource)
})
export type SyncStatus = typeof SyncStatus.Type

const goZeroTime = -62_135_596_800

const seconds = (millis: number): number => Math.floor(millis / 1000)

export const read = Effect.fn("SyncStatus.read")(function*(
  sources: ReadonlyArray<string>
): Effect.fn.Return<SyncStatus, SpoolError, Spool | ResultsStore | SyncProgress> {
  const spool = yield* Spool
  const progress = yield* SyncProgress
  const store = yield* ResultsStore
  const set = Option.getOrUndefined(yield* store.current)
  const states = yield* Effect.forEach(sources, spool.state)
  const unstored = new Map((yield* progress.all).map((one) => [one.source, one]))
  const stale = states.flatMap(({ name, planId, trouble }): ReadonlyArray<StaleSource> => {
    const failure = unstored.get(name)?.spoolFailure ?? Option.none()
    if (Option.isSome(failure)) {
      const { detail, since } = failure.value
      return [{ source: name, reason: "spool", detail, since: seconds(since) }]
    }
    return Option.isNone(trouble) ? [] : [{
      source: name,
      reason: trouble.value.reason,
      detail: trouble.value.detail,
      since: seconds(trouble.value.since),
      ...(Option.isSome(planId) ? { plan: planId.value } : {})
    }]
  })
  return {
    devices: set?.devices ?? 0,
    last_discovery: set === undefined ? goZeroTime : seconds(set.publishedAt),
    sources: set?.sources.length ?? 0,
    status: stale.length === 0 ? "healthy" : "degraded",
    timestamp: seconds(yield* Clock.currentTimeMillis),
    sequence: String(set?.sequence ?? goZeroTime),
    stale
  }
})
