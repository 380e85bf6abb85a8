/**
 * Where an agent's configuration comes from: its file, and the files of its `checkers_dir`.
 *
 * Where `CONFIG_SOURCE` is `kv`, documents of the key-value store lie over them: `config/<name of the file>` and
 * `config/agents/<agent_id>.json` over the agent's file, `agents/<agent_id>/checkers/<name of the file>` over a checker's; and
 * over the agent's file the one that `PINNED_CONFIG_PATH` names.
 */
import { Effect, Option } from "effect"
import * as AgentConfig from "../../domain/agent/AgentConfig.ts"
import * as CheckerFiles from "../../layers/agent/CheckerFiles.ts"
import * as KvSource from "../../layers/command/KvSource.ts"
import * as KvOverlay from "../../layers/command/overlay/KvOverlay.ts"
import * as PinnedDocument from "../../layers/command/overlay/PinnedDocument.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"

export interface AgentSource {
  readonly path: string
  readonly overlay: Option.Option<KvOverlay.KvOverlay>
  readonly pinned: Option.Option<string>
  /** Of the start, which counts until the next one: whose keys of the store these are. Empty where there is no store. */
  readonly agentId: string
  /** For a checker's file that cannot be used for a while. */
  readonly lastGood: CheckerFiles.LastGood
}

const keyOfAgent = (agentId: string): string => `config/agents/${agentId}.json`
const keyOfChecker = (agentId: string, file: string): string => `agents/${agentId}/checkers/${file}`

/** Of a key that belongs to the agent's own file. */
const isOfAgent = (key: string): boolean => key.startsWith("config/")

/** The agent's own file, with what lies over it. */
export const agentFile = Effect.fnUntraced(function*({ overlay, path, pinned }: AgentSource) {
  const stored = Option.match(overlay, { onNone: () => [], onSome: (one) => KvOverlay.documents(one, isOfAgent) })
  const pin = yield* Effect.transposeOption(Option.map(pinned, PinnedDocument.read))
  return yield* ConfigFile.loadWith(AgentConfig.AgentConfigFile, path, [...stored, ...Option.toArray(pin)])
})

/** As it is now, with what an operator should know of it in the log. */
export const read = Effect.fnUntraced(function*(source: AgentSource) {
  const { value, warnings } = yield* agentFile(source)
  yield* Effect.forEach(warnings, (warning) => Effect.logWarning(ConfigFile.formatWarning(source.path, warning)))
  yield* Effect.forEach(
    yield* CheckerFiles.notices(value.checkers_dir ?? ""),
    (notice) => Effect.logWarning(notice)
  )
  const config = AgentConfig.fromFile(value)
  const overlays: CheckerFiles.Overlays = (file) =>
    Option.match(source.overlay, {
      onNone: () => [],
      onSome: (one) => KvOverlay.documents(one, (key) => key === keyOfChecker(source.agentId, file))
    })
  return yield* CheckerFiles.loadInto(config, overlays, source.lastGood)
})

/** The keys of the checkers' files that are there now and were not asked for yet. */
export const newKeys = Effect.fnUntraced(
  function*(source: AgentSource, { checkersDir }: AgentConfig.AgentConfig) {
    if (Option.isNone(source.overlay)) return []
    const { agentId } = source
    const { texts } = source.overlay.value
    const files = yield* CheckerFiles.names(checkersDir)
    return files.map((file) => keyOfChecker(agentId, file)).filter((key) => !texts.has(key))
  }
)

/** Asks the store, where there is one, before anything is started by the files alone. */
export const open = Effect.fnUntraced(function*(path: string) {
  const overlay = Option.map(yield* KvSource.find, KvOverlay.make)
  const source: AgentSource = { path, overlay, pinned: yield* PinnedDocument.path, agentId: "", lastGood: new Map() }
  if (Option.isSome(overlay)) {
    yield* KvOverlay.readOnce(overlay.value, KvOverlay.keyOfFile(path))
    const { value } = yield* agentFile(source)
    const config = AgentConfig.fromFile(value)
    yield* KvOverlay.readOnce(overlay.value, keyOfAgent(config.agentId))
    const named = AgentConfig.fromFile((yield* agentFile(source)).value)
    const started = { ...source, agentId: named.agentId }
    yield* Effect.forEach(yield* newKeys(started, named), (key) => KvOverlay.readOnce(overlay.value, key))
    return started
  }
  return source
})
