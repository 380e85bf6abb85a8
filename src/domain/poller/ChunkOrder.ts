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
}

/** How many came, and of how many; undefined before the first. */
export interface ChunkOrder {
  readonly came: number
  readonly total: number | undefined
}

export const start: ChunkOrder = { came: 0, total: undefined }

const problemOf = (
  { came, total = 0 }: ChunkOrder,
  { index, isFinal, total: told }: ChunkPlace
): string | undefined => {
  const place = `chunk ${index} of ${told}`
  if (told !== total) return `${place} is of another stream: the others are of ${total}`
  if (index < came) return `${place} came twice`
  if (index > came) return `chunk ${came} of ${total} is missing: ${index} came`
  if (index >= total) return `${place} is one too many`
  return isFinal && index !== total - 1 ? `${place} says that it is the final one` : undefined
}

export const next = (order: ChunkOrder, place: ChunkPlace): Result.Result<ChunkOrder, ChunkOrderError> => {
  const known: ChunkOrder = { came: order.came, total: order.total ?? place.total }
  const isNumbered = known.total !== 0
  const detail = isNumbered || place.total !== 0 ? problemOf(known, place) : undefined
  return detail === undefined
    ? Result.succeed({ came: known.came + 1, total: known.total })
    : Result.fail(new ChunkOrderError({ detail }))
}
