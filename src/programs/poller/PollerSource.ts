/**
 * Where a poller's configuration comes from: its file, over it documents of the key-value store where `CONFIG_SOURCE` is
 * `kv`, and over all of them the file that `PINNED_CONFIG_PATH` names.
 */
import { Effect, Option, Result } from "effect"
import type * as ConfigDocument from "../../domain/config/ConfigDocument.ts"
import * as PollerConfig from "../../domain/poller/PollerConfig.ts"
import * as KvSource from "../../layers/command/KvSource.ts"
import * as KvOverlay from "../../layers/command/overlay/KvOverlay.ts"
import * as PinnedDocument from "../../layers/command/overlay/PinnedDocument.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import * as FileWatch from "../../layers/files/FileWatch.ts"

export interface PollerSource {
  readonly path: string
  /** Of the file before it was read. */
  readonly stamp: string
  readonly overlay: Option.Option<KvOverlay.KvOverlay>
  /** A file. */
  readonly pinned: Option.Option<string>
}

export type Found = ConfigDocument.Decoded<PollerConfig.PollerConfigFile>

const load = (path: string, overlays: ReadonlyArray<ConfigFile.Overlay>) =>
  ConfigFile.loadWith(PollerConfig.PollerConfigFile, path, overlays, PollerConfig.decodeOptions)

const pinnedOf = ({ pinned }: PollerSource) =>
  Effect.map(Effect.transposeOption(Option.map(pinned, PinnedDocument.read)), Option.toArray)

const keyOfPoller = (pollerId: string): string => `config/pollers/${pollerId}.json`

/** As it is now. */
export const read = Effect.fnUntraced(function*(source: PollerSource) {
  const stored = Option.match(source.overlay, { onNone: () => [], onSome: KvOverlay.documents })
  return yield* load(source.path, [...stored, ...yield* pinnedOf(source)])
})

/** For a start: what the store holds must not keep a poller from starting whose file is in order. */
const readFirst = Effect.fnUntraced(function*(source: PollerSource) {
  if (Option.isNone(source.overlay)) return yield* read(source)
  const found = yield* Effect.result(read(source))
  if (Result.isSuccess(found)) return found.success
  const alone = yield* load(source.path, yield* pinnedOf(source))
  yield* Effect.logError(`The poller starts with its file alone: ${found.failure.message}`)
  return alone
})

/** Asks the store, where there is one, before anything is started by the file alone. */
export const open = Effect.fnUntraced(function*(path: string) {
  const overlay = Option.map(yield* KvSource.find, KvOverlay.make)
  const pinned = yield* PinnedDocument.path
  const source: PollerSource = { path, overlay, pinned, stamp: yield* FileWatch.stampOf(path) }
  if (Option.isSome(overlay)) {
    yield* KvOverlay.readOnce(overlay.value, KvOverlay.keyOfFile(path))
    const { value } = yield* readFirst(source)
    yield* KvOverlay.readOnce(overlay.value, keyOfPoller(value.poller_id))
  }
  return { source, first: yield* readFirst(source) }
})
