/**
 * Reads the configuration again when its file or what lies over it has changed, or SIGHUP asks for it, and applies what is
 * different.
 *
 * One that cannot be used changes nothing: the log says what is wrong with it, and `config_reloads_total` counts it.
 */
import { Effect, Metric, Stream } from "effect"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import * as ConfigChange from "../../domain/poller/reload/ConfigChange.ts"
import * as KvOverlay from "../../layers/command/overlay/KvOverlay.ts"
import * as FileWatch from "../../layers/files/FileWatch.ts"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import { LogTurn } from "../../layers/telemetry/LogTurn.ts"
import * as PollerMetrics from "../../services/poller/PollerMetrics.ts"
import * as Reconfiguration from "../../services/poller/Reconfiguration.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

export interface WatchedConfig {
  /** What lies over the file beside it, kept up to date; nothing where the file alone counts. */
  readonly overlay?: KvOverlay.KvOverlay
  /** The file that is followed. */
  readonly path: string
  /** Of the file before it was read for the start: what has changed since is taken up. */
  readonly since: string
  /** As it is now, with what lies over it. */
  readonly read: Effect.Effect<PollerConfig, { readonly message: string }>
}

/** More lines say nothing that a person reads. */
const linesMax = 20

const lineOf = (change: ConfigChange.ConfigChange): string => {
  const { from, key, reach, to } = ConfigChange.describe(change)
  const values = from === "" && to === "" ? "" : `, from ${JSON.stringify(from)} to ${JSON.stringify(to)}`
  return `${change._tag}: ${key}${values}: ${reach}`
}

const tell = Effect.fnUntraced(function*(changes: ReadonlyArray<ConfigChange.ConfigChange>) {
  for (const change of changes.slice(0, linesMax)) {
    yield* change._tag === "RestartNeeded" ? Effect.logWarning(lineOf(change)) : Effect.logInfo(lineOf(change))
  }
  if (changes.length > linesMax) yield* Effect.logInfo(`and ${changes.length - linesMax} more changes`)
})

const counted = (outcome: "applied" | "invalid" | "unchanged") =>
  Metric.update(Metric.withAttributes(PollerMetrics.configReloads, { outcome }), 1)

const apply = Effect.fnUntraced(function*(path: string, next: PollerConfig) {
  const changes = yield* Reconfiguration.apply(next)
  const turn = yield* LogTurn
  yield* turn(next.logLevel)
  const news = changes.length === 0 ? "nothing is new" : `${changes.length} changes`
  yield* Effect.logInfo(`${path} was read again: ${news}`)
  yield* tell(changes)
  yield* counted(changes.length === 0 ? "unchanged" : "applied")
})

export const child = ({ overlay, path, read, since }: WatchedConfig) =>
  Supervisor.child({
    id: "ConfigWatcher",
    run: Effect.scoped(Effect.gen(function*() {
      const asked = yield* ProcessMain.reloads
      const reload = Effect.matchEffect(read, {
        onSuccess: (next) => apply(path, next),
        onFailure: ({ message }) =>
          Effect.andThen(
            Effect.logError(`The configuration as it was stays, what is there now cannot be used: ${message}`),
            counted("invalid")
          )
      })
      const triggers = [
        asked,
        FileWatch.changes(path, since),
        ...(overlay === undefined ? [] : [KvOverlay.changes(overlay)])
      ]
      yield* Stream.runForEach(Stream.mergeAll(triggers, { concurrency: triggers.length }), () => reload)
      return yield* Effect.never
    }))
  })
