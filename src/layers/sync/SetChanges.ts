/** How one served set differs from another, by what is remembered of both (`SetIndex`). */
import { Effect, Stream } from "effect"
import * as EntryWalk from "../../services/sync/EntryWalk.ts"
import type { ListChange, ListChanges, Section } from "../../services/sync/ResultsStore.ts"
import type { SpoolError } from "../../services/sync/Spool.ts"
import * as ChunkFile from "./ChunkFile.ts"
import type { IndexEntry } from "./SetIndex.ts"
import type { SpoolFile } from "./SpoolFiles.ts"

type Pull = EntryWalk.Pull<IndexEntry, SpoolError>
type Step = EntryWalk.Step<IndexEntry>

export interface IndexedSet {
  readonly sections: ReadonlyArray<Section>
  readonly entries: (section: Section) => Pull
}

/** Elements that follow one another are read together. */
const windowBytes = 128 * 1024

/** Bytes of elements that are in memory at a time, unless one alone has more. */
const batchBytes = 256 * 1024

/** Reads elements, those behind one another with one call. */
export const elementReader = (file: SpoolFile, path: string, fileBytes: number) => {
  let window: Uint8Array = new Uint8Array(0)
  let from = 0
  return Effect.fnUntraced(function*({ length, offset }: ChunkFile.Place) {
    if (offset < from || offset + length > from + window.length) {
      const wanted = Math.min(Math.max(length, windowBytes), fileBytes - offset)
      window = yield* ChunkFile.readExactly(file, path, offset, Math.max(length, wanted))
      from = offset
    }
    return window.subarray(offset - from, offset - from + length)
  })
}

const none: Pull = Effect.succeed([])

const sizeOf = ({ after, difference }: Step): number =>
  difference._tag === "Same" || after === undefined ? 0 : after.place.length

/** Steps that differ, in groups of few bytes. */
const groups = (steps: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<Step>> => {
  const all: Array<Array<Step>> = []
  let bytes = Number.POSITIVE_INFINITY
  for (const step of steps) {
    if (step.difference._tag === "Same") continue
    if (bytes >= batchBytes) {
      all.push([])
      bytes = 0
    }
    all.at(-1)?.push(step)
    bytes += sizeOf(step)
  }
  return all
}

const isSame = (left: Section, right: Section): boolean => left.source === right.source && left.kind === right.kind

/** Without `before`, every element. */
export const changes = (
  before: IndexedSet | undefined,
  after: IndexedSet,
  read: ReturnType<typeof elementReader>
): ListChanges => {
  const changesOf = (left: Section | undefined, right: Section | undefined) =>
    EntryWalk.walk(
      left === undefined || before === undefined ? none : before.entries(left),
      right === undefined ? none : after.entries(right)
    ).pipe(
      Stream.map(groups),
      Stream.flattenIterable,
      Stream.rechunk(1),
      Stream.mapEffect(Effect.fnUntraced(function*(steps) {
        const batch: Array<ListChange> = []
        for (const { after: entry, difference: { _tag, key } } of steps) {
          const section = right ?? left
          if (section === undefined) continue
          if (_tag === "Retracted" || entry === undefined) batch.push({ _tag: "Removed", section, key })
          else batch.push({ _tag: "Put", section, key, text: yield* read(entry.place) })
        }
        return batch
      }))
    )
  const known = before?.sections ?? []
  const pairs = [
    ...known.filter((left) => !after.sections.some((right) => isSame(left, right)))
      .map((left) => [left, undefined] as const),
    ...after.sections.map((right) => [known.find((left) => isSame(left, right)), right] as const)
  ]
  return Stream.flatMap(Stream.fromIterable(pairs), ([left, right]) => changesOf(left, right))
}
