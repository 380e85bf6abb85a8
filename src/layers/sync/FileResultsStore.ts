/** The served set and its sweep documents as files of the spool folder. */
import { Clock, Effect, FileSystem, Layer, Option, Schema, Stream } from "effect"
import {
  type ListChanges,
  type OpenSet,
  ResultsStore,
  type ServedElement,
  ServedSet,
  type SweepDocument
} from "../../services/sync/ResultsStore.ts"
import { SpoolError } from "../../services/sync/Spool.ts"
import * as ChunkFile from "./ChunkFile.ts"
import * as Database from "./Database.ts"
import * as JoinScratch from "./JoinScratch.ts"
import * as SetChanges from "./SetChanges.ts"
import * as SetIndex from "./SetIndex.ts"
import * as SpoolFiles from "./SpoolFiles.ts"
import { SpoolFolder } from "./SqliteSpool.ts"
import * as SweepFile from "./SweepFile.ts"

const Body = Schema.fromJsonString(ServedSet)
const decodeBody = Schema.decodeUnknownResult(Body)
const encodeBody = Schema.encodeSync(Body)
const decoder = new TextDecoder()

const indexName = (sequence: number): string => `index-${sequence}.txt`
const setName = (sequence: number): string => `served-${sequence}.bin`
const sweepName = ({ sha256 }: Pick<SweepDocument, "sha256">): string => `sweep-${sha256}.json`
const networksAtOnce = 2_000
const retractionsAtOnce = 500

/** Sets before the served one whose readers can be told the difference. */
const pastMax = 8
const sweepPieceBytes = 256 * 1024

const make = Effect.gen(function*() {
  const { catalog, file, folder } = yield* SpoolFolder
  const files = yield* FileSystem.FileSystem
  const spoolFiles = yield* SpoolFiles.Current

  const setOf = (body: string | undefined) => {
    if (body === undefined) return Effect.succeedNone
    return Effect.fromResult(decodeBody(body)).pipe(
      Effect.mapError((error) =>
        new SpoolError({ path: catalog.path, step: "reading a served set", detail: error.message })
      ),
      Effect.asSome
    )
  }

  const current = Effect.flatMap(catalog.read("reading the served set", (tables) => tables.served()), setOf)

  const indexOf = Effect.fnUntraced(function*({ sections, sequence }: ServedSet) {
    if (sections === undefined) return Option.none<SetChanges.IndexedSet>()
    return Option.some<SetChanges.IndexedSet>({
      sections,
      entries: yield* SetIndex.reader(file(indexName(sequence)))
    })
  })

  /** None when it is not remembered, or is being forgotten just now. */
  const pastIndex = (sequence: number) =>
    catalog.read("reading a set that was served", (tables) => tables.past(sequence)).pipe(
      Effect.flatMap(setOf),
      Effect.flatMap(Option.match({ onNone: () => Effect.succeedNone, onSome: indexOf })),
      Effect.orElseSucceed(() => Option.none<SetChanges.IndexedSet>())
    )

  const openSet = Effect.fnUntraced(function*(set: ServedSet) {
    const path = file(setName(set.sequence))
    const chunk = yield* ChunkFile.reader(path, set.chunks)
    const handle = yield* ChunkFile.openFile(path, "r")
    const index = yield* indexOf(set)
    const elementOf = SetChanges.elementReader(handle, path, set.chunks.reduce((sum, bytes) => sum + bytes, 0))
    const from = (before: SetChanges.IndexedSet | undefined): Option.Option<ListChanges> =>
      Option.map(index, (after) => SetChanges.changes(before, after, elementOf))

    const retractions = (source: string) =>
      Option.match(index, {
        onNone: () => Stream.empty,
        onSome: ({ entries, sections }) => {
          const section = sections.find((one) => one.kind === "retractions" && one.source === source)
          if (section === undefined) return Stream.empty
          const pull = entries(section)
          const batch = Effect.gen(function*() {
            const found = yield* pull
            const elements = yield* Effect.forEach(
              found,
              ({ identifiers, key, place }): Effect.Effect<ServedElement, SpoolError> =>
                Effect.map(elementOf(place), (text) => ({ key, identifiers, text: decoder.decode(text) }))
            )
            return elements.length === 0 ? undefined : [elements, undefined] as const
          })
          return Stream.unfold(undefined, () => batch)
        }
      })

    const opened: OpenSet = {
      set,
      chunk,
      everything: Effect.sync(() => from(undefined)),
      since: (sequence) => Effect.map(pastIndex(sequence), Option.flatMap(from)),
      retractions
    }
    return opened
  })

  /** Between reading the name and opening the file, the set may have been replaced: once more then. */
  const open = Effect.flatMap(
    current,
    Option.match({
      onNone: () => Effect.succeedNone,
      onSome: (set) => Effect.asSome(openSet(set))
    })
  )

  const removeOthers = (set: ServedSet) =>
    Effect.gen(function*() {
      const remembered = yield* catalog.read("reading what was served", (tables) => tables.pastSequences())
      const kept = new Set([setName(set.sequence), ...set.sweeps.map(sweepName), ...remembered.map(indexName)])
      const names = yield* Effect.orElseSucceed(files.readDirectory(folder), (): Array<string> => [])
      const strays = names.filter((name) => /^(?:served-|sweep-|scratch-|index-)/.test(name) && !kept.has(name))
      yield* Effect.forEach(strays, (name) => Effect.ignore(files.remove(file(name), { force: true })), {
        discard: true
      })
    })

  const draft = Effect.fn("ResultsStore.draft")(function*(agentIds: ReadonlyArray<string>) {
    const now = yield* Clock.currentTimeMillis
    const before = yield* catalog.read("numbering a set", (tables) => tables.sequence())
    // Unix seconds at least: a spool that was lost must not begin with numbers that were used before.
    const sequence = Math.max(before + 1, Math.floor(now / 1000))
    const temporary = (name: string) =>
      Effect.acquireRelease(
        Effect.succeed(file(`scratch-${sequence}-${name}`)),
        (path) => Effect.ignore(files.remove(path, { force: true }))
      )
    const setPath = yield* temporary("served")
    const scratchPath = yield* temporary("joins")
    yield* Effect.ignore(files.remove(scratchPath, { force: true }))
    const scratch = yield* JoinScratch.make(scratchPath)
    const chunks = yield* ChunkFile.writer(setPath)
    const sweeps = new Map(
      yield* Effect.forEach(agentIds, (agentId, index) =>
        Effect.gen(function*() {
          const path = yield* temporary(`sweep-${index}`)
          return [agentId, { path, file: yield* SweepFile.writer(path) }] as const
        }))
    )
    const indexPath = yield* temporary("index")
    const index = yield* SetIndex.writer(indexPath)
    const counts = { devices: 0, retractions: 0 }

    const write = Effect.fnUntraced(function*(elements: ReadonlyArray<ServedElement>) {
      yield* index.append(elements, yield* chunks.append(elements.map(({ text }) => text)))
    })

    const rename = (from: string, to: string) =>
      Effect.mapError(files.rename(from, to), Database.spoolError(to, "renaming"))

    const endSweep = Effect.fnUntraced(function*(agentId: string, sweep: { path: string; file: SweepWriter }) {
      let after = ""
      for (;;) {
        const networks = yield* scratch.networks(agentId, after, networksAtOnce)
        if (networks.length === 0) break
        yield* sweep.file.networks(networks)
        after = networks.at(-1) ?? after
        yield* Effect.yieldNow
      }
      const document: SweepDocument = { agentId, ...yield* sweep.file.end }
      if (document.sha256 !== "") yield* rename(sweep.path, file(sweepName(document)))
      return document
    })

    return {
      join: scratch.join,
      joined: scratch.joined,
      baseOf: scratch.baseOf,
      partsOf: scratch.partsOf,
      begin: index.begin,
      collectRetractions: scratch.addRetractions,
      appendRetractions: Effect.fnUntraced(function*(source) {
        yield* index.begin({ kind: "retractions", source, timestamp: "" })
        let after = ""
        let count = 0
        for (;;) {
          const elements = yield* scratch.retractions(after, retractionsAtOnce)
          if (elements.length === 0) break
          yield* write(elements)
          count += elements.length
          after = elements.at(-1)?.key ?? after
          yield* Effect.yieldNow
        }
        yield* scratch.clearRetractions
        counts.retractions += count
        return count
      }),
      append: Effect.fnUntraced(function*({ agentId, elements, networks, targets }) {
        counts.devices += elements.length
        yield* write(elements)
        const sweep = sweeps.get(agentId)
        if (sweep === undefined) return
        yield* sweep.file.targets(targets)
        yield* scratch.addNetworks(agentId, networks)
      }),
      publish: Effect.fnUntraced(function*(about) {
        const documents = yield* Effect.forEach([...sweeps], ([agentId, sweep]) => endSweep(agentId, sweep))
        const lengths = yield* chunks.end
        const publishedAt = yield* Clock.currentTimeMillis
        const sections = yield* index.end
        const set: ServedSet = {
          ...about,
          ...counts,
          sequence,
          sections,
          sweeps: documents,
          chunks: lengths,
          publishedAt
        }
        yield* rename(setPath, file(setName(sequence)))
        yield* rename(indexPath, file(indexName(sequence)))
        yield* spoolFiles.syncFolder(folder)
        yield* catalog.run("publishing a set", (tables) => tables.setServed(sequence, encodeBody(set), pastMax))
        yield* removeOthers(set)
        return set
      })
    } satisfies ResultsDraft
  })

  return ResultsStore.of({
    current,
    open: Effect.catchTag(open, "SpoolError", () => open),
    draft,
    sweep: (document) =>
      Stream.unwrap(Effect.map(
        ChunkFile.openFile(file(sweepName(document)), "r"),
        (handle) =>
          Stream.unfold(0, (offset) => {
            const length = Math.min(sweepPieceBytes, document.bytes - offset)
            if (length <= 0) return Effect.succeed(undefined)
            return Effect.map(
              ChunkFile.readExactly(handle, file(sweepName(document)), offset, length),
              (bytes): readonly [Uint8Array, number] => [bytes, offset + length]
            )
          })
      ))
  })
})

type SweepWriter = Effect.Success<ReturnType<typeof SweepFile.writer>>
type ResultsDraft = Effect.Success<ReturnType<ResultsStore["Service"]["draft"]>>

export const layer = Layer.effect(ResultsStore, make)
