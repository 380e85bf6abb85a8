/** An answer to a peer that asks for deltas, as chunks of JSON arrays near a size, made while they are sent. */
import { Effect, Option, Stream } from "effect"
import * as ListDelta from "../../domain/inventory/ListDelta.ts"
import type { ListChange, OpenSet } from "../../services/sync/ResultsStore.ts"
import type { SpoolError } from "../../services/sync/Spool.ts"
import * as ChunkFile from "./ChunkFile.ts"

/** A peer that sends `serviceradar-deltas: 1` gets what has become different since its `last_sequence`. */
export const metadataKey = "serviceradar-deltas"

export interface DeltaChunk {
  readonly data: Buffer
  readonly isFinal: boolean
}

const elementOf = (change: ListChange): Buffer =>
  change._tag === "Removed"
    ? Buffer.from(ListDelta.removedJson(change.section, change.key))
    : Buffer.concat([Buffer.from(ListDelta.putPrefix(change.section, change.key)), change.text.subarray(1)])

const comma = Buffer.from(",")
const arrayOf = (elements: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat([
    Buffer.from("["),
    ...elements.flatMap((element, index) => index === 0 ? [element] : [comma, element]),
    Buffer.from("]")
  ])

interface Pending {
  readonly elements: ReadonlyArray<Buffer>
  readonly bytes: number
}

const nothing: Pending = { elements: [], bytes: 0 }

const sizeOf = (elements: ReadonlyArray<Buffer>): number => elements.reduce((sum, one) => sum + one.length + 1, 0)

/** Full chunks of what has come, and what is left. */
const take = (pending: Pending, elements: ReadonlyArray<Buffer>): readonly [Pending, ReadonlyArray<DeltaChunk>] => {
  const all = { elements: [...pending.elements, ...elements], bytes: pending.bytes + sizeOf(elements) }
  return all.bytes < ChunkFile.chunkBytesTarget
    ? [all, []]
    : [nothing, [{ data: arrayOf(all.elements), isFinal: false }]]
}

const sequenceOf = (text: string): number | undefined => /^\d{1,15}$/.test(text) ? Number(text) : undefined

/** None when the set is of a version that did not remember what was in it: then there is only the plain list. */
export const make = Effect.fnUntraced(function*({ everything, set, since }: OpenSet, lastSequence: string) {
  const sequence = sequenceOf(lastSequence)
  const delta = sequence === undefined ? Option.none() : yield* since(sequence)
  const changes = Option.isSome(delta) ? delta : yield* everything
  if (Option.isNone(changes)) return Option.none()
  const devices = (set.sections ?? []).filter(({ kind }) => kind === "devices")
  const answer = ListDelta.answerJson({
    since: Option.isSome(delta) ? String(sequence) : undefined,
    sequence: String(set.sequence),
    renewed: Object.fromEntries(devices.map(({ source, timestamp }) => [source, timestamp]))
  })
  const chunks: Stream.Stream<DeltaChunk, SpoolError> = Stream.concat(
    Stream.succeed([Buffer.from(answer)]),
    Stream.map(changes.value, (batch) => batch.map(elementOf))
  ).pipe(
    Stream.mapAccum(() => nothing, take, {
      onHalt: ({ elements }) => [{ data: arrayOf(elements), isFinal: true }]
    })
  )
  return Option.some(chunks)
})
