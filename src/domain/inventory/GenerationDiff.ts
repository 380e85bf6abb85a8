/** What a run would change: two lists of records in key order walked beside each other. */
import { Schema } from "effect"

const Count = Schema.Int

export const DiffSummary = Schema.Struct({
  adds: Count,
  changes: Count,
  retractions: Count,
  unchanged: Count,
  /** The first few keys of each, for a person to look at. */
  examples: Schema.Struct({
    adds: Schema.Array(Schema.String),
    changes: Schema.Array(Schema.String),
    retractions: Schema.Array(Schema.String)
  })
})
export type DiffSummary = typeof DiffSummary.Type

export interface Entry {
  readonly key: string
  readonly text: string
}

export type Difference =
  | { readonly _tag: "Added"; readonly key: string }
  | { readonly _tag: "Changed"; readonly key: string }
  | { readonly _tag: "Retracted"; readonly key: string }
  | { readonly _tag: "Same"; readonly key: string }

/** The step for the two entries at the heads of both lists; at least one is there. */
export const compare = (before: Entry | undefined, after: Entry | undefined): Difference | undefined => {
  if (before === undefined) return after === undefined ? undefined : { _tag: "Added", key: after.key }
  if (after === undefined || before.key < after.key) return { _tag: "Retracted", key: before.key }
  if (after.key < before.key) return { _tag: "Added", key: after.key }
  return before.text === after.text ? { _tag: "Same", key: after.key } : { _tag: "Changed", key: after.key }
}

const examplesMax = 10

/** Counts differences as they come. */
export const tally = () => {
  const counts = { Added: 0, Changed: 0, Retracted: 0, Same: 0 }
  const examples = { Added: new Array<string>(), Changed: new Array<string>(), Retracted: new Array<string>() }
  return {
    add: (difference: Difference): void => {
      counts[difference._tag] += 1
      if (difference._tag !== "Same" && examples[difference._tag].length < examplesMax) {
        examples[difference._tag].push(difference.key)
      }
    },
    summary: (): DiffSummary => ({
      adds: counts.Added,
      changes: counts.Changed,
      retractions: counts.Retracted,
      unchanged: counts.Same,
      examples: { adds: examples.Added, changes: examples.Changed, retractions: examples.Retracted }
    })
  }
}
