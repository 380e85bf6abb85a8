/**
 * Whether the chunks of a result stream are all there, each once and in order.
 *
 * Peers number their chunks from 0 and say in each how many there are. Checkers whose stream an agent only passes on may
 * number nothing: of those the order of their coming counts, and the final chunk ends them.
 */
import { Result, Schema } from "effect"

export class ChunkOrderError extends Schema.TaggedError<ChunkOrderError>()("ChunkOrderError", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export interface ChunkPlace {
  /** From 0. */
  readonly index: number
  /** 0: the stream is not numbered. */
  readonly total: number
  readonly isFinal: boolean
  /** Of the results that it is a part of; empty where a checker counts none, or in its last chunk alone. */
  readonly sequence: string
}

/** How many came, and of how many; undefined before the first. */
export interface ChunkOrder {
  readonly came: number
  readonly total: number | undefined
  readonly sequence: string
}

export const start: ChunkOrder = { came: 0, total: undefined, sequence: "" }

const problemOf = (
  { came, total = 0 }: ChunkOrder,
  { index, isFinal, total: told }: ChunkPlace
): string | undefined => {
  const place = `chunk ${index} of ${told}`
  if (index < 0) return `${place} has no place: they count from 0`
  if (told !== total) return `${place} is of another stream: the others are of ${total}`
  if (index < came) return `${place} came twice`
  if (index > came) return `chunk ${came} of ${total} is missing: ${index} came`
  if (index >= total) return `${place} is one too many`
  return isFinal && index !== total - 1 ? `${place} says that it is the final one` : undefined
}

export const next = (order: ChunkOrder, place: ChunkPlace): Result.Result<ChunkOrder, ChunkOrderError> => {
  const known = { came: order.came, total: order.total ?? place.total, sequence: order.sequence || place.sequence }
  const isNumbered = known.total !== 0
  const isOther = place.sequence !== "" && place.sequence !== known.sequence
  const detail = isOther
    ? `a chunk is of the results ${place.sequence}, the others are of ${known.sequence}`
    : isNumbered || place.total !== 0
    ? problemOf(known, place)
    : undefined
  return detail === undefined
    ? Result.succeed({ ...known, came: known.came + 1 })
    : Result.fail(new ChunkOrderError({ detail }))
}
