/** Two generations of one source compared, in constant memory. */
import { Effect, Option, Stream } from "effect"
import * as GenerationDiff from "../../domain/inventory/GenerationDiff.ts"
import * as EntryWalk from "./EntryWalk.ts"
import { type Generation, type GenerationReader, Spool } from "./Spool.ts"

const batchSize = 500

export const nothing: GenerationDiff.DiffSummary = GenerationDiff.tally().summary()

/** All records of a generation, in key order. */
const pullOf = (reader: GenerationReader) => {
  let after = ""
  return Effect.suspend(() =>
    Effect.tap(reader.batch(after, batchSize), (entries) =>
      Effect.sync(() => {
        after = entries.at(-1)?.key ?? after
      }))
  )
}

/** Every difference, in key order. */
export const walk = (before: Option.Option<GenerationReader>, after: GenerationReader) =>
  EntryWalk.walk(
    Option.match(before, { onNone: () => Effect.succeed<ReadonlyArray<GenerationDiff.Entry>>([]), onSome: pullOf }),
    pullOf(after)
  )

export const compare = Effect.fn("GenerationComparison.compare")(function*(
  before: Option.Option<Generation>,
  after: Generation
) {
  const spool = yield* Spool
  const tally = GenerationDiff.tally()
  const left = Option.isSome(before) ? Option.some(yield* spool.read(before.value.id)) : Option.none()
  yield* Stream.runForEach(walk(left, yield* spool.read(after.id)), (steps) =>
    Effect.sync(() => {
      for (const { after: now, before: then, difference } of steps) tally.add(difference, now ?? then)
    }))
  return tally.summary()
}, Effect.scoped)
