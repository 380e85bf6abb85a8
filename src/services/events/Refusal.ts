/** Why a delivery was not stored: it never can be, or not this time. */
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

export type Refusal = Poison | Retry
