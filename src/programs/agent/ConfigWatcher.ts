/**
 * Reads the configuration again when one of its files or what lies over them has changed, or SIGHUP asks for it, and applies
 * what is different.
 *
 * One that cannot be used changes nothing: the log says what is wrong with it, and `agent_config_reloads_total` counts it.
 */
import { Effect, FiberMap, Metric, Option, Queue, Stream } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import * as AgentChange from "../../domain/agent/reload/AgentChange.ts"
import * as KvOverlay from "../../layers/command/overlay/KvOverlay.ts"
import * as FileWatch from "../../layers/files/FileWatch.ts"
import { GrpcCheckers } from "../../layers/probes/GrpcCheckers.ts"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import { LogTurn } from "../../layers/telemetry/LogTurn.ts"
import * as AgentReload from "../../services/agent/AgentReload.ts"
import type { LiveConfig } from "../../services/agent/LiveConfig.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as AgentSource from "./AgentSource.ts"

export interface WatchedConfig {
  readonly source: AgentSource.AgentSource
  readonly live: LiveConfig
  /** Of the files before they were read for the start: what has changed since is taken up. */
  readonly since: string
}

const reloads = Metric.counter("agent_config_reloads_total", {
  description: "Configurations that were read again, by what came of it",
  incremental: true
})
const counted = (outcome: "applied" | "invalid" | "unchanged") =>
  Metric.update(Metric.withAttributes(reloads, { outcome }), 1)

/** Of the agent's file and those of its checkers; a folder that cannot be read has none. */
export const stampOf = (path: string, checkersDir: string) =>
  FileWatch.stampOfAll(path, checkersDir, (name) => name.endsWith(".json"))

const tell = (change: AgentChange.AgentChange) =>
  change._tag === "RestartNeeded"
    ? Effect.logWarning(AgentChange.describe(change))
    : Effect.logInfo(AgentChange.describe(change))

const applied = Effect.fnUntraced(function*({ live, source }: WatchedConfig, next: AgentConfig) {
  const checkers = yield* GrpcCheckers
  const changes = yield* AgentReload.apply(live, next, checkers.forget)
  yield* Effect.flatMap(LogTurn, (turn) => turn(next.logLevel))
  const unusable = [...source.lastGood.values()].filter(({ isUnusable }) => isUnusable).length
  const news = changes.length === 0 ? "nothing is new" : `${changes.length} changes`
  const left = unusable === 0 ? "" : `, and ${unusable} files of checkers that cannot be used`
  yield* Effect.logInfo(`${source.path} was read again: ${news}${left}`)
  yield* Effect.forEach(changes, tell, { discard: true })
  yield* counted(unusable > 0 ? "invalid" : changes.length === 0 ? "unchanged" : "applied")
})

export const child = (watched: WatchedConfig) =>
  Supervisor.child({
    id: "ConfigWatcher",
    run: Effect.scoped(Effect.gen(function*() {
      const { live, since, source } = watched
      const asked = yield* ProcessMain.reloads
      // Of several reasons to read again that come together, one is enough.
      const news = yield* Queue.sliding<void>(1)
      const keys = yield* FiberMap.make<string>()
      const follow = (names: ReadonlyArray<string>) =>
        Option.match(source.overlay, {
          onNone: () => Effect.void,
          onSome: (overlay) =>
            Effect.forEach(names, (key) =>
              FiberMap.run(
                keys,
                key,
                Stream.runForEach(KvOverlay.followed(overlay, [key]), () => Queue.offer(news, undefined))
              ), { discard: true })
        })
      const reload = Effect.gen(function*() {
        // A checker's file that is new may have a document in the store.
        const found = yield* AgentSource.newKeys(source, live.current())
        if (Option.isSome(source.overlay)) {
          const overlay = source.overlay.value
          yield* Effect.forEach(found, (key) => KvOverlay.readOnce(overlay, key))
        }
        yield* follow(found)
        return yield* AgentSource.read(source)
      }).pipe(
        Effect.matchEffect({
          onSuccess: (next) => applied(watched, next),
          onFailure: ({ message }) =>
            Effect.andThen(
              Effect.logError(`The configuration as it was stays, what is there now cannot be used: ${message}`),
              counted("invalid")
            )
        })
      )
      yield* follow(Option.match(source.overlay, { onNone: () => [], onSome: ({ texts }) => [...texts.keys()] }))
      const files = FileWatch.changesOf(stampOf(source.path, live.current().checkersDir), since)
      yield* Stream.runForEach(
        Stream.mergeAll([asked, files, Stream.fromQueue(news)], { concurrency: 3 }),
        () => reload
      )
      return yield* Effect.never
    }))
  })
