/**
 * Makes the served set out of what the sources stand for.
 *
 * Sources in order of precedence, each in the order of its keys, so that equal generations give equal bytes. A device
 * that an earlier source has as well becomes a part of that one (`DeviceIdentity`). Sweep configs are made in the same
 * pass, but of each source's own devices: who sweeps a device is decided by the agent of the source that asked for it.
 */
import { Effect, Option, Result } from "effect"
import type { Blacklist } from "../../domain/inventory/Blacklist.ts"
import * as DeviceIdentity from "../../domain/inventory/DeviceIdentity.ts"
import * as DeviceRecord from "../../domain/inventory/DeviceRecord.ts"
import * as DeviceUpdate from "../../domain/inventory/DeviceUpdate.ts"
import type { Entry } from "../../domain/inventory/GenerationDiff.ts"
import * as SweepConfig from "../../domain/inventory/SweepConfig.ts"
import {
  type DeviceKey,
  type Portion,
  type ResultsDraft,
  ResultsStore,
  type ServedElement,
  type ServedSet
} from "./ResultsStore.ts"
import * as Retractions from "./Retractions.ts"
import { type Generation, type GenerationReader, Spool, type SpoolError } from "./Spool.ts"
import * as SyncMetrics from "./SyncMetrics.ts"

export interface AggregatedSource {
  readonly name: string
  readonly blacklist: Blacklist
  /** Entries of the blacklist, as written: another list makes another set. */
  readonly blacklisted: ReadonlyArray<string>
}

interface OpenSource extends AggregatedSource {
  readonly generation: Generation
  readonly reader: GenerationReader
}

/** Devices worked on at a time: between two of these, whoever reads or asks has a turn. */
const batchSize = 200

const deviceOf = (entry: Entry): Option.Option<DeviceRecord.Device> =>
  Option.map(
    Result.getSuccess(DeviceRecord.decode(entry.text)),
    (tuple) => DeviceRecord.resolve(DeviceRecord.fromTuple(tuple))
  )

const eachBatch = Effect.fnUntraced(function*<E>(
  { reader }: OpenSource,
  body: (entries: ReadonlyArray<Entry>) => Effect.Effect<void, E>
) {
  for (let after = "";;) {
    const entries = yield* reader.batch(after, batchSize)
    if (entries.length === 0) return
    yield* body(entries)
    after = entries.at(-1)?.key ?? after
    yield* Effect.yieldNow
  }
})

interface Candidate {
  readonly key: string
  readonly identifiers: ReadonlyArray<string>
}

const candidateOf = (entry: Entry, { generation }: OpenSource): ReadonlyArray<Candidate> => {
  const device = deviceOf(entry)
  return Option.isSome(device) && device.value.isDevice
    ? [{ key: entry.key, identifiers: DeviceIdentity.joiningIdentifiers(device.value, generation.context) }]
    : []
}

/** For each identifier of these devices, the device of the earliest source that has it. */
const findAll = Effect.fnUntraced(function*(
  candidates: ReadonlyArray<Candidate>,
  earlier: ReadonlyArray<OpenSource>
) {
  const identifiers = candidates.flatMap((candidate) => candidate.identifiers)
  const found = new Map<string, DeviceKey>()
  for (const [source, { reader }] of earlier.entries()) {
    const keys = yield* reader.find(identifiers)
    for (const [index, identifier] of identifiers.entries()) {
      const key = keys[index]
      if (key !== undefined && !found.has(identifier)) found.set(identifier, { source, key })
    }
  }
  return found
})

const joinAll = Effect.fnUntraced(function*(sources: ReadonlyArray<OpenSource>, draft: ResultsDraft) {
  for (const [index, source] of sources.entries()) {
    if (index === 0) continue
    const earlier = sources.slice(0, index)
    yield* eachBatch(
      source,
      Effect.fnUntraced(function*(entries) {
        const candidates = entries.flatMap((entry) => candidateOf(entry, source))
        const found = yield* findAll(candidates, earlier)
        for (const { identifiers, key } of candidates) {
          const base = identifiers.map((identifier) => found.get(identifier)).find((one) => one !== undefined)
          if (base === undefined) continue
          const root = Option.getOrElse(yield* draft.baseOf(base), () => base)
          yield* draft.join(root, { source: index, key })
        }
      })
    )
  }
})

const viewOf = ({ generation, name }: OpenSource, device: DeviceRecord.Device): DeviceIdentity.View => ({
  source: name,
  update: DeviceUpdate.make(device, generation.context)
})

const partsOf = Effect.fnUntraced(function*(
  base: DeviceKey,
  sources: ReadonlyArray<OpenSource>,
  draft: ResultsDraft
) {
  const views: Array<DeviceIdentity.View> = []
  for (const { key, source: index } of yield* draft.partsOf(base)) {
    const source = sources[index]
    if (source === undefined) continue
    const device = Option.flatMap(yield* source.reader.get(key), deviceOf)
    if (Option.isSome(device)) views.push(viewOf(source, device.value))
  }
  return views
})

/** One batch of a source as it is served and swept. */
const portionOf = Effect.fnUntraced(function*(
  entries: ReadonlyArray<Entry>,
  index: number,
  source: OpenSource,
  sources: ReadonlyArray<OpenSource>,
  draft: ResultsDraft,
  isJoined: boolean
) {
  const { blacklist, generation: { context } } = source
  const elements: Array<ServedElement> = []
  const targets: Array<string> = []
  const networks: Array<string> = []
  for (const entry of entries) {
    const found = deviceOf(entry)
    if (Option.isNone(found)) continue
    const device = found.value
    if (device.isDevice && blacklist.covers(device.ips[0])) continue
    if (context.kind.sweepsAs === "device_targets" && device.isDevice) {
      targets.push(SweepConfig.targetJson(device, context))
    } else networks.push(...SweepConfig.networksOf(device))
    if (!device.isDevice) continue
    if (!isJoined) {
      elements.push({ key: entry.key, text: DeviceUpdate.toJson(DeviceUpdate.make(device, context)) })
      continue
    }
    const key: DeviceKey = { source: index, key: entry.key }
    if (index > 0 && Option.isSome(yield* draft.baseOf(key))) continue
    const parts = yield* partsOf(key, sources, draft)
    elements.push({ key: entry.key, text: DeviceUpdate.toJson(DeviceIdentity.join(viewOf(source, device), parts)) })
  }
  const portion: Portion = { elements, targets, networks, agentId: context.agentId }
  return portion
})

const openAll = Effect.fnUntraced(function*(sources: ReadonlyArray<AggregatedSource>) {
  const spool = yield* Spool
  const open: Array<OpenSource> = []
  for (const source of sources) {
    const { current } = yield* spool.state(source.name)
    if (Option.isNone(current)) continue
    open.push({ ...source, generation: current.value, reader: yield* spool.read(current.value.id) })
  }
  return open
})

const signatureOf = (
  sources: ReadonlyArray<OpenSource>,
  retractions: Option.Option<Retractions.RetractionPolicy>
): string =>
  JSON.stringify([
    ...sources.map(({ blacklisted, generation, name }) => [name, generation.id, blacklisted]),
    ...(Option.isSome(retractions) ? ["retractions"] : [])
  ])

/** Before the devices: whatever core takes for one that is gone, the rest of the same list brings back. */
const appendRetractions = Effect.fnUntraced(function*(
  sources: ReadonlyArray<OpenSource>,
  draft: ResultsDraft,
  policy: Option.Option<Retractions.RetractionPolicy>
) {
  if (Option.isNone(policy)) return
  const store = yield* ResultsStore
  const served = yield* store.open
  if (Option.isNone(served)) return
  for (const source of sources) {
    const count = yield* Retractions.collect(source, sources, served.value, draft, policy.value)
    yield* SyncMetrics.retractions(source.name, count)
  }
})

/** The devices of one source; answers how many. */
const appendDevices = Effect.fnUntraced(function*(
  index: number,
  source: OpenSource,
  sources: ReadonlyArray<OpenSource>,
  draft: ResultsDraft,
  isJoined: boolean
) {
  let count = 0
  yield* draft.begin({ kind: "devices", source: source.name, timestamp: source.generation.context.timestamp })
  yield* eachBatch(
    source,
    Effect.fnUntraced(function*(entries) {
      const portion = yield* portionOf(entries, index, source, sources, draft, isJoined)
      count += portion.elements.length
      yield* draft.append(portion)
    })
  )
  return count
})

/** None when the served set is already what it would be, or no source has anything yet. */
export const aggregate = Effect.fn("Aggregator.aggregate")(function*(
  sources: ReadonlyArray<AggregatedSource>,
  /** Without a policy nothing is retracted. */
  retractions: Option.Option<Retractions.RetractionPolicy> = Option.none()
): Effect.fn.Return<Option.Option<ServedSet>, SpoolError, Spool | ResultsStore> {
  const spool = yield* Spool
  const store = yield* ResultsStore
  const published = yield* Effect.scoped(Effect.gen(function*() {
    const open = yield* openAll(sources)
    const signature = signatureOf(open, retractions)
    const before = yield* store.current
    if (open.length === 0 || Option.exists(before, (set) => set.signature === signature)) return Option.none()
    // An agent without an id has no key to read.
    const agentIds = [...new Set(open.map(({ generation }) => generation.context.agentId))].filter((id) => id !== "")
    const draft = yield* store.draft(agentIds)
    yield* joinAll(open, draft)
    const isJoined = draft.joined() > 0
    yield* appendRetractions(open, draft, retractions)
    const counts: Array<number> = []
    for (const [index, source] of open.entries()) {
      counts.push(yield* appendDevices(index, source, open, draft, isJoined))
    }
    const set = yield* draft.publish({
      signature,
      sources: open.map(({ generation, name }, index) => ({
        name,
        generation: generation.id,
        devices: counts[index] ?? 0,
        sealedAt: generation.sealedAt
      }))
    })
    yield* SyncMetrics.servedSet(set.devices, set.sequence)
    yield* Effect.logInfo(`Serving ${set.devices} devices of ${open.length} sources as ${set.sequence}`)
    return Option.some(set)
  }))
  // What the set before was made of is needed no longer.
  if (Option.isSome(published)) yield* spool.tidy
  return published
})
