/** Two lists of entries in key order walked beside each other, in constant memory. */
import { Effect, Stream } from "effect"
import * as GenerationDiff from "../../domain/inventory/GenerationDiff.ts"

/** The next entries; empty at the end. */
export type Pull<A extends GenerationDiff.Entry, E> = Effect.Effect<ReadonlyArray<A>, E>

export interface Step<A extends GenerationDiff.Entry> {
  readonly difference: GenerationDiff.Difference
  readonly before: A | undefined
  readonly after: A | undefined
}

const cursor = <A extends GenerationDiff.Entry, E>(pull: Pull<A, E>) => {
  let batch: ReadonlyArray<A> = []
  let at = 0
  let isOver = false
  return {
    head: (): A | undefined => batch[at],
    /** Whether the next head has to be fetched first. */
    isDry: (): boolean => at >= batch.length && !isOver,
    next: (): void => {
      at += 1
    },
    fill: Effect.map(pull, (entries) => {
      batch = entries
      at = 0
      isOver = entries.length === 0
    })
  }
}

/** Every step, in key order, in batches that may be empty. */
export const walk = <A extends GenerationDiff.Entry, E, E2>(
  before: Pull<A, E>,
  after: Pull<A, E2>
): Stream.Stream<ReadonlyArray<Step<A>>, E | E2> =>
  Stream.suspend(() => {
    const left = cursor(before)
    const right = cursor(after)
    const batch = Effect.gen(function*() {
      if (left.isDry()) yield* left.fill
      if (right.isDry()) {
        yield* right.fill
        yield* Effect.yieldNow
      }
      const steps: Array<Step<A>> = []
      for (;;) {
        if (left.isDry() || right.isDry()) break
        const difference = GenerationDiff.compare(left.head(), right.head())
        if (difference === undefined) break
        steps.push({
          difference,
          before: difference._tag === "Added" ? undefined : left.head(),
          after: difference._tag === "Retracted" ? undefined : right.head()
        })
        if (difference._tag !== "Added") left.next()
        if (difference._tag !== "Retracted") right.next()
      }
      const isOver = steps.length === 0 && !left.isDry() && !right.isDry()
      return isOver ? undefined : [steps, undefined] as const
    })
    return Stream.unfold(undefined, () => batch)
  })
