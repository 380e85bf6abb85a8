/** Why a delivery was not stored as a whole: it or parts of it never can be, or not this time. */
import type { RefusedPart } from "../../domain/events/decode/Decode.ts"
import type { Failure } from "../../domain/events/stream/DeadLetter.ts"

export interface Poison {
  readonly _tag: "Poison"
  readonly processor: "decode" | "store"
  readonly failure: Failure
}

export interface Retry {
  readonly _tag: "Retry"
  readonly processor: "decode" | "store" | "pipeline"
  readonly error: string
}

/** The rows are committed; elements that cannot be rows are left, of which each is to become a dead letter. */
export interface Partial {
  readonly _tag: "Partial"
  readonly parts: ReadonlyArray<RefusedPart>
}

export type Refusal = Poison | Retry | Partial
