/** What each source is doing now, for whoever shows it. */
import { Context, Effect, Layer, Option } from "effect"

export interface SourceProgress {
  readonly source: string
  readonly phase: "waiting" | "fetching" | "sealing" | "committed" | "held" | "failed" | "superseded"
  readonly pages: number
  readonly devices: number
  readonly rejected: number
  /** Unix milliseconds. */
  readonly startedAt: number
  /** Unix milliseconds: when all pages were there; 0 until then. */
  readonly fetchedAt: number
  readonly detail: string
  /** Why its runs fail when that is the spool, which then cannot remember it; since when in Unix milliseconds. */
  readonly spoolFailure: Option.Option<{ readonly detail: string; readonly since: number }>
}

/** Before its first run. */
export const waiting = (source: string): SourceProgress => ({
  source,
  phase: "waiting",
  pages: 0,
  devices: 0,
  rejected: 0,
  startedAt: 0,
  fetchedAt: 0,
  detail: "",
  spoolFailure: Option.none()
})

export class SyncProgress extends Context.Service<SyncProgress, {
  readonly all: Effect.Effect<ReadonlyArray<SourceProgress>>
  readonly update: (source: string, change: Partial<Omit<SourceProgress, "source">>) => Effect.Effect<void>
}>()("serviceradar-effect/services/sync/SyncProgress") {
  static readonly layer = Layer.sync(this, () => {
    const bySource = new Map<string, SourceProgress>()
    return {
      all: Effect.sync(() => [...bySource.values()]),
      update: (source, change) =>
        Effect.sync(() => {
          bySource.set(source, { ...(bySource.get(source) ?? waiting(source)), ...change })
        })
    }
  })
}
