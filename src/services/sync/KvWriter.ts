/**
 * Brings each agent's sweep config to the key that it reads.
 *
 * The key is never deleted and never points to anything but a complete object: the object goes first, under a key made
 * of its content, its size and hash as the store has them are compared, then the pointer. Nothing is written while the
 * key says what it should; it is written again when it is gone, was replaced, or is so old that the store may drop it. An
 * object that is there already is not uploaded again: a data service keeps what came of an upload that breaks off.
 * A document without any target is never written: an agent would drop all it has. Neither is the first one for an agent
 * before all its sources have been read once: it would take the place of one with the others' targets in it.
 */
import { Clock, Duration, Effect, Option, Semaphore, Stream } from "effect"
import * as SweepConfig from "../../domain/inventory/SweepConfig.ts"
import * as SweepPointer from "../../domain/inventory/SweepPointer.ts"
import * as FaultLog from "./FaultLog.ts"
import { ResultsStore, type ServedSet, type SweepDocument } from "./ResultsStore.ts"
import { type StoredObject, SweepConfigStore, SweepConfigStoreError } from "./SweepConfigStore.ts"
import * as SyncMetrics from "./SyncMetrics.ts"
import { ToldAgents } from "./ToldAgents.ts"

export interface KvWriterOptions {
  /** First part of the keys: `agents` is what agents read, another is shadow mode. */
  readonly prefix: string
  /** A key older than this is written again, because shipped buckets expire. */
  readonly refresh: Duration.Duration
  /** All that are configured. */
  readonly sources: ReadonlyArray<{ readonly name: string; readonly agentId: string }>
  /** Of a writer that is made again each time: what it has told already. */
  readonly faults?: FaultLog.FaultLog
}

/** The largest value that goes into a key as it is. */
const rawBytesMax = 3 * 1024 * 1024

/** Objects of one agent that are kept: the one in use, and the one before it for an agent that is just loading. */
const objectsKept = 2

/** What was written later than this from now was written by a clock that has been set back since. */
const skewMax = Duration.minutes(1)

/** Written so recently that the store still has it; a time that has not come yet says nothing. */
const isFresh = (writtenAt: number, nowMillis: number, refreshMillis: number): boolean =>
  nowMillis - writtenAt < refreshMillis && writtenAt <= nowMillis + Duration.toMillis(skewMax)

const decoder = new TextDecoder()
const encoder = new TextEncoder()

export interface KvResult {
  readonly agentId: string
  readonly status: SyncMetrics.KvWriteStatus
  readonly bytes: number
  readonly detail: string
}

const result = (
  agentId: string,
  status: SyncMetrics.KvWriteStatus,
  bytes = 0,
  detail = ""
): KvResult => ({ agentId, status, bytes, detail })

/** What is at the key says what it should, for as long as it lasts. */
const isCurrent = (
  value: Option.Option<string>,
  document: SweepDocument,
  objectKey: string,
  nowMillis: number,
  refreshMillis: number,
  writtenAt: number
): boolean => {
  const pointer = Option.flatMap(value, SweepPointer.parse)
  if (Option.isNone(pointer)) return false
  const { bytes, isReadable, objectKey: at, sha256, updatedAt } = pointer.value
  return isReadable && at === objectKey && bytes === document.bytes &&
    SweepPointer.isSameHash(sha256, document.sha256) &&
    isFresh(Math.max(updatedAt, writtenAt), nowMillis, refreshMillis)
}

const isObject = ({ bytes, sha256 }: StoredObject, document: SweepDocument): boolean =>
  bytes === document.bytes && SweepPointer.isSameHash(sha256, document.sha256)

const writeObject = Effect.fnUntraced(function*(
  key: string,
  objectKey: string,
  document: SweepDocument,
  overrides: Option.Option<Readonly<Record<string, unknown>>>
) {
  const store = yield* SweepConfigStore
  const results = yield* ResultsStore
  const found = yield* store.stat(objectKey)
  const isThere = Option.exists(found, (one) => isObject(one, document))
  const stored = isThere && Option.isSome(found) ? found.value : yield* store.upload({
    key: objectKey,
    bytes: document.bytes,
    sha256: document.sha256,
    agentId: document.agentId,
    content: results.sweep(document)
  })
  if (!isObject(stored, document)) {
    return yield* new SweepConfigStoreError({
      step: "uploading",
      key: objectKey,
      detail: `the store has ${stored.bytes} bytes with hash ${stored.sha256}, ` +
        `sent were ${document.bytes} with ${document.sha256}`
    })
  }
  const pointer = encoder.encode(SweepPointer.render({
    objectKey,
    sha256: stored.sha256,
    bytes: stored.bytes,
    chunks: stored.chunks,
    updatedAt: yield* Clock.currentTimeMillis,
    overrides
  }))
  yield* store.put(key, pointer)
  return (isThere ? 0 : document.bytes) + pointer.length
})

/** Without an object store: the document itself, with what was set at the key. */
const rawOf = Effect.fnUntraced(function*(document: SweepDocument, before: Option.Option<string>) {
  const results = yield* ResultsStore
  const pieces = yield* Stream.runCollect(results.sweep(document))
  const settings = Option.match(before, { onNone: () => ({}), onSome: SweepPointer.settingsOf })
  return SweepPointer.withSettings(decoder.decode(Buffer.concat(pieces)), settings)
})

const settle = Effect.fnUntraced(function*(
  document: SweepDocument,
  readSources: ServedSet["sources"],
  options: KvWriterOptions
) {
  const { agentId } = document
  if (document.sha256 === "") {
    return result(agentId, "kept_empty", 0, "there is nothing to sweep; what the agent has stays")
  }
  const store = yield* SweepConfigStore
  const told = yield* ToldAgents
  const key = SweepConfig.keyOf(options.prefix, agentId)
  const objectKey = SweepConfig.objectKeyOf(options.prefix, agentId, document.sha256)
  const value = Option.map(yield* store.read(key), (bytes) => decoder.decode(bytes))
  const memory = yield* told.read(agentId)
  const unread = options.sources.filter((source) =>
    source.agentId === agentId && readSources.every(({ name }) => name !== source.name)
  )
  if (memory.sha256 === "" && unread.length > 0) {
    const names = unread.map(({ name }) => name).join(", ")
    return result(agentId, "kept_incomplete", 0, `${names} has not been read yet; what the agent has stays`)
  }
  const now = yield* Clock.currentTimeMillis
  const refreshMillis = Duration.toMillis(options.refresh)
  const isOurs = memory.sha256 === document.sha256
  if (isCurrent(value, document, objectKey, now, refreshMillis, isOurs ? memory.writtenAt : 0)) {
    return result(agentId, "unchanged")
  }
  const pointer = Option.flatMap(value, SweepPointer.parse)
  const overrides = Option.flatMap(pointer, (one) => one.overrides)
  // Known before it is there: an upload after which nothing is remembered would leave it for ever.
  const begun = memory.objects.includes(objectKey) ? memory.objects : [...memory.objects, objectKey]
  if (begun.length > memory.objects.length) yield* told.write(agentId, { ...memory, objects: begun })
  const written = yield* writeObject(key, objectKey, document, overrides).pipe(
    Effect.map((bytes) => ({ bytes, isRaw: false })),
    Effect.catchTag(
      "NoObjectStore",
      Effect.fnUntraced(function*() {
        yield* told.write(agentId, memory)
        if (document.bytes > rawBytesMax) return undefined
        const raw = yield* rawOf(document, value)
        const isRecent = isOurs && isFresh(memory.writtenAt, now, refreshMillis)
        if (isRecent && Option.contains(value, raw)) return { bytes: 0, isRaw: true }
        const bytes = encoder.encode(raw)
        if (bytes.length > rawBytesMax) return undefined
        yield* store.put(key, bytes)
        return { bytes: bytes.length, isRaw: true }
      })
    )
  )
  if (written === undefined) {
    return result(
      agentId,
      "kept_too_large",
      0,
      `${document.bytes} bytes do not fit into a key (${rawBytesMax}) and the peer keeps no objects`
    )
  }
  if (written.bytes === 0) return result(agentId, "unchanged")
  const objects = written.isRaw ? memory.objects : [objectKey, ...begun.filter((one) => one !== objectKey)]
  const writtenAt = yield* Clock.currentTimeMillis
  const remember = (kept: ReadonlyArray<string>) =>
    told.write(agentId, { sha256: document.sha256, writtenAt, objects: kept })
  yield* remember(objects)
  // The agent has its config; an object that cannot be removed now only takes room until the next time.
  const [, stuck] = yield* Effect.partition(
    objects.slice(objectsKept),
    (one) => Effect.mapError(store.removeObject(one), () => one)
  )
  if (objects.length > objectsKept) yield* remember([...objects.slice(0, objectsKept), ...stuck])
  return result(agentId, "written", written.bytes)
})

const tell = Effect.fnUntraced(function*(
  { agentId, networks, targets }: SweepDocument,
  { bytes, detail, status }: KvResult,
  faults: FaultLog.FaultLog
) {
  yield* SyncMetrics.kv(status, bytes)
  const config = `Sweep config of agent ${agentId}`
  switch (status) {
    case "failed":
      return yield* faults.tell(
        agentId,
        detail,
        Effect.logWarning(`${config} is not written, the old one stays: ${detail}`)
      )
    case "kept_incomplete":
      return yield* faults.tell(agentId, detail, Effect.logInfo(`${config} waits: ${detail}`))
    case "kept_empty":
    case "kept_too_large":
      return yield* faults.tell(agentId, status, Effect.logWarning(`${config} stays as it is: ${detail}`))
    case "written":
      yield* Effect.logInfo(`${config}: ${targets} targets, ${networks} networks, ${bytes} bytes written`)
  }
  yield* faults.over(agentId)
})

const one = (
  document: SweepDocument,
  readSources: ServedSet["sources"],
  options: KvWriterOptions,
  faults: FaultLog.FaultLog
) =>
  settle(document, readSources, options).pipe(
    Effect.catch((error) => Effect.succeed(result(document.agentId, "failed", 0, error.message))),
    Effect.tap((settled) => tell(document, settled, faults))
  )

const agentsAtOnce = 4

/** Brings all agents' configs up to date once. */
export const make = Effect.fnUntraced(function*(options: KvWriterOptions) {
  const turn = yield* Semaphore.make(1)
  const faults = options.faults ?? FaultLog.make()
  return turn.withPermit(Effect.gen(function*() {
    const results = yield* ResultsStore
    const set = yield* results.current
    if (Option.isNone(set)) return []
    const { sources, sweeps } = set.value
    return yield* Effect.forEach(sweeps, (document) => one(document, sources, options, faults), {
      concurrency: agentsAtOnce
    })
  }))
})
