/** What each source is doing now, for whoever shows it. */
import { Context, Effect, Layer } from "effect"

export interface SourceProgress {
  readonly source: string
  readonly phase: "waiting" | "fetching" | "sealing" | "committed" | "held" | "failed" | "superseded"
  readonly pages: number
  readonly devices: number
  readonly rejected: number
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly detail: string
}

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
          const before = bySource.get(source) ??
            { source, phase: "waiting", pages: 0, devices: 0, rejected: 0, startedAt: 0, detail: "" }
          bySource.set(source, { ...before, ...change })
        })
    }
  })
}
