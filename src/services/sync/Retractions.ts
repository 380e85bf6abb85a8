/**
 * What a served set says of devices that are gone.
 *
 * Compared are the run that the set before was made of and the run that this one is made of. Both are complete and were
 * let pass by the guard or by a person, so a source that fails, is cut off or shrinks too much retracts nothing. A device
 * is gone only when the same question no longer finds it and nobody else has it; it stays retracted for a while, because
 * nobody knows which pollers have asked meanwhile, unless it comes back.
 */
import { Clock, type Duration, Effect, Option, Result, Schema, Stream } from "effect"
import type { Blacklist } from "../../domain/inventory/Blacklist.ts"
import * as DeviceRecord from "../../domain/inventory/DeviceRecord.ts"
import * as Retraction from "../../domain/inventory/Retraction.ts"
import * as GenerationComparison from "./GenerationComparison.ts"
import type { OpenSet, ResultsDraft, ServedElement } from "./ResultsStore.ts"
import { type Generation, type GenerationReader, Spool } from "./Spool.ts"

export interface RetractionPolicy {
  /** How long a retraction is served. */
  readonly retention: Duration.Duration
}

/** A source as it is now. */
export interface RetractingSource {
  readonly name: string
  readonly blacklist: Blacklist
  readonly generation: Generation
  readonly reader: GenerationReader
}

const Stamped = Schema.fromJsonString(Schema.Struct({ timestamp: Schema.String }))
const decodeStamped = Schema.decodeUnknownResult(Stamped)

const retractedAt = (text: string): number =>
  Result.match(decodeStamped(text), { onFailure: () => 0, onSuccess: ({ timestamp }) => Date.parse(timestamp) || 0 })

/** Whether a device with one of these is in any of the sources now. */
const isSomewhere = Effect.fnUntraced(function*(
  identifiers: ReadonlyArray<string>,
  sources: ReadonlyArray<RetractingSource>
) {
  for (const { reader } of sources) {
    const keys = yield* reader.find(identifiers)
    if (keys.some((key) => key !== undefined)) return true
  }
  return false
})

/** The device of a record that is gone, as its retraction; none when it was never served, or lives on elsewhere. */
const retractionOf = Effect.fnUntraced(function*(
  entry: { readonly key: string; readonly text: string },
  before: Generation,
  source: RetractingSource,
  sources: ReadonlyArray<RetractingSource>
): Effect.fn.Return<ReadonlyArray<ServedElement>, Effect.Error<ReturnType<GenerationReader["find"]>>> {
  const tuple = Result.getSuccess(DeviceRecord.decode(entry.text))
  if (Option.isNone(tuple)) return []
  const device = DeviceRecord.resolve(DeviceRecord.fromTuple(tuple.value))
  if (!device.isDevice || source.blacklist.covers(device.ips[0])) return []
  const identifiers = Retraction.identifiers(device, before.context)
  if (yield* isSomewhere(identifiers, sources)) return []
  const text = Retraction.toJson(device, before.context, source.generation.context)
  return [{ key: entry.key, text, identifiers }]
})

/** Devices that the run before still had. */
const collectNew = Effect.fnUntraced(function*(
  source: RetractingSource,
  sources: ReadonlyArray<RetractingSource>,
  before: Generation,
  draft: ResultsDraft
) {
  const spool = yield* Spool
  const reader = yield* spool.read(before.id)
  yield* Stream.runForEach(
    GenerationComparison.walk(Option.some(reader), source.reader),
    Effect.fnUntraced(function*(steps) {
      const gone = steps.flatMap(({ before: entry, difference }) =>
        difference._tag === "Retracted" && entry !== undefined ? [entry] : []
      )
      const elements = yield* Effect.forEach(gone, (entry) => retractionOf(entry, before, source, sources))
      yield* draft.collectRetractions(elements.flat())
    })
  )
}, Effect.scoped)

/** Retractions of the set before that still hold. */
const collectKept = Effect.fnUntraced(function*(
  source: RetractingSource,
  sources: ReadonlyArray<RetractingSource>,
  served: OpenSet,
  draft: ResultsDraft,
  { retention }: RetractionPolicy
) {
  const now = yield* Clock.currentTimeMillis
  yield* Stream.runForEach(
    served.retractions(source.name),
    Effect.fnUntraced(function*(elements) {
      const holds = Effect.fnUntraced(function*({ identifiers = [], key, text }: ServedElement) {
        if (Retraction.isOver(retractedAt(text), retention, now)) return false
        if (Option.isSome(yield* source.reader.get(key))) return false
        if (yield* source.reader.isUnread(key)) return false
        return !(yield* isSomewhere(identifiers, sources))
      })
      yield* draft.collectRetractions(yield* Effect.filter(elements, holds))
    })
  )
})

/** All retractions of a source into the draft; answers how many. */
export const collect = Effect.fn("Retractions.collect")(function*(
  source: RetractingSource,
  sources: ReadonlyArray<RetractingSource>,
  served: OpenSet,
  draft: ResultsDraft,
  policy: RetractionPolicy
) {
  const spool = yield* Spool
  // A run whose devices cannot be found by their identifiers cannot say that none of them is the one that is gone.
  if (!sources.every(({ generation }) => generation.context.isIdentified === true)) return 0
  yield* collectKept(source, sources, served, draft, policy)
  const before = served.set.sources.find(({ name }) => name === source.name)
  if (before !== undefined && before.generation !== source.generation.id) {
    const generation = yield* spool.generation(before.generation)
    if (
      Option.isSome(generation) &&
      Retraction.areComparable(generation.value.context, source.generation.context)
    ) {
      yield* collectNew(source, sources, generation.value, draft)
    }
  }
  return yield* draft.appendRetractions(source.name)
})
