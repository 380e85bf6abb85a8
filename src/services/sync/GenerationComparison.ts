/** Two generations of one source compared, in constant memory. */
import { Effect, Option } from "effect"
import * as GenerationDiff from "../../domain/inventory/GenerationDiff.ts"
import { type Generation, type GenerationReader, Spool } from "./Spool.ts"

const batchSize = 500

export const nothing: GenerationDiff.DiffSummary = GenerationDiff.tally().summary()

/** The records of a generation one by one. */
const cursor = (reader: Option.Option<GenerationReader>) => {
  let batch: ReadonlyArray<GenerationDiff.Entry> = []
  let at = 0
  let after = ""
  let isOver = Option.isNone(reader)
  return {
    head: (): GenerationDiff.Entry | undefined => batch[at],
    /** Whether the next head has to be fetched first. */
    isDry: (): boolean => at >= batch.length && !isOver,
    next: (): void => {
      at += 1
    },
    fill: Effect.suspend(() =>
      Option.match(reader, {
        onNone: () => Effect.void,
        onSome: (one) =>
          Effect.map(one.batch(after, batchSize), (entries) => {
            batch = entries
            at = 0
            after = entries.at(-1)?.key ?? after
            isOver = entries.length === 0
          })
      })
    )
  }
}

/** Calls `each` with every difference, in key order. */
export const walk = Effect.fnUntraced(function*(
  before: Option.Option<Generation>,
  after: Generation,
  each: (difference: GenerationDiff.Difference) => void
) {
  const spool = yield* Spool
  const left = cursor(Option.isSome(before) ? Option.some(yield* spool.read(before.value.id)) : Option.none())
  const right = cursor(Option.some(yield* spool.read(after.id)))
  for (;;) {
    if (left.isDry()) yield* left.fill
    if (right.isDry()) {
      yield* right.fill
      yield* Effect.yieldNow
    }
    for (;;) {
      if (left.isDry() || right.isDry()) break
      const difference = GenerationDiff.compare(left.head(), right.head())
      if (difference === undefined) return
      each(difference)
      if (difference._tag !== "Added") left.next()
      if (difference._tag !== "Retracted") right.next()
    }
  }
}, Effect.scoped)

export const compare = Effect.fn("GenerationComparison.compare")(function*(
  before: Option.Option<Generation>,
  after: Generation
) {
  const tally = GenerationDiff.tally()
  yield* walk(before, after, tally.add)
  return tally.summary()
})
