/** What a run would change: two lists of records in key order walked beside each other. */
import { Schema } from "effect"
import * as DeviceRecord from "./DeviceRecord.ts"

const Count = Schema.Int

export const DiffSummary = Schema.Struct({
  adds: Count,
  changes: Count,
  retractions: Count,
  unchanged: Count,
  /** The first few of each, as a person knows them. */
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
    /** `entry`: the device as it is, or as it was when it is gone. */
    add: (difference: Difference, entry: Entry | undefined): void => {
      counts[difference._tag] += 1
      if (difference._tag !== "Same" && examples[difference._tag].length < examplesMax) {
        examples[difference._tag].push(entry === undefined ? difference.key : DeviceRecord.title(entry))
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
