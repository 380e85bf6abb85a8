/**
 * Children that come and go with the configuration: one for each source that it names.
 *
 *   <id> (rest_for_one)
 *   ├─ Children  dynamic: one for each source
 *   └─ Roster    permanent: starts, stops and replaces them when the configuration is another one
 *
 * A source that the new configuration says nothing new of goes on undisturbed, with the run that is under way.
 */
import { Effect, Stream } from "effect"
import * as ChildId from "../../domain/supervision/ChildId.ts"
import type { SourceConfig, SyncConfig } from "../../domain/sync/SyncConfig.ts"
import * as SyncConfigChange from "../../domain/sync/SyncConfigChange.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import { LiveConfig } from "../../services/sync/LiveConfig.ts"

/** More sources than anybody has. */
const childrenMax = 10_000

const intensity = { maxRestarts: 10, period: "60 seconds" } as const

export interface RosterOptions<S extends SourceConfig, R> {
  readonly id: string
  /** Those that have a child here. */
  readonly sources: (config: SyncConfig) => ReadonlyArray<S>
  /** What a child depends on beside its source. */
  readonly isIdentified: (config: SyncConfig) => boolean
  /** The child's life. */
  readonly run: (source: S, config: SyncConfig) => Effect.Effect<never, never, R>
}

export const make = Effect.fnUntraced(
  function*<S extends SourceConfig, R>({ id, isIdentified, run, sources }: RosterOptions<S, R>) {
    const children = yield* Supervisor.dynamic({ id: "Children", intensity, maxChildren: childrenMax })

    const follow = Effect.gen(function*() {
      const { changes } = yield* LiveConfig
      // One that begins anew does not know by which configuration those that run were started.
      yield* Effect.forEach(yield* children.whichChildren, (child) => children.terminateChild(child.id), {
        discard: true
      })
      const running = new Map<string, { readonly source: S; readonly isIdentified: boolean }>()
      const settle = Effect.fnUntraced(function*(config: SyncConfig) {
        const wanted = new Map(sources(config).map((source) => [source.name, source]))
        const identified = isIdentified(config)
        for (const [name, one] of running) {
          const next = wanted.get(name)
          const isSame = next !== undefined && one.isIdentified === identified &&
            SyncConfigChange.isSameSource(one.source, next)
          if (isSame) continue
          yield* children.terminateChild(ChildId.fromName(name))
          running.delete(name)
        }
        for (const [name, source] of wanted) {
          if (running.has(name)) continue
          // A run that is cut off is thrown away whole.
          yield* children.startChild(
            Supervisor.child({ id: ChildId.fromName(name), shutdown: "2 seconds", run: run(source, config) })
          )
          running.set(name, { source, isIdentified: identified })
        }
      })
      return yield* Effect.andThen(Stream.runForEach(changes, settle), Effect.never)
    })

    return Supervisor.supervisor({
      id,
      strategy: "rest_for_one",
      intensity,
      children: [children, Supervisor.child({ id: "Roster", run: follow })]
    })
  }
)
