/**
 * What the seven processors have in common: from a message and its context to all of its rows, or a problem.
 *
 * Synchronous and without state, so that it runs as well in a worker thread as in the pipeline.
 */
import { Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { fail, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import { isObject, parseBytes } from "../../../domain/events/decode/Json.ts"
import type { TableRows } from "../../../domain/events/rows/Tables.ts"
import type { RowContext } from "../../../domain/events/stream/EventMessage.ts"

export type Processor = (data: Uint8Array, context: RowContext) => Result.Result<TableRows, Problem>

/** Blanks that JSON may begin with. */
const blanks: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d])

const isBracket = (byte: number | undefined): boolean => byte === 0x7b || byte === 0x5b

const looksLikeJson = (data: Uint8Array): boolean => {
  let at = 0
  while (blanks.has(data[at])) at++
  return isBracket(data[at])
}

/** The bytes that a CloudEvent carries in base64, as the first generation's rule engine wrapped protobuf. */
const binaryIn = (value: unknown): Uint8Array | undefined =>
  isObject(value) && value["specversion"] !== undefined && typeof value["data_base64"] === "string"
    ? Result.getOrUndefined(Base64.decode(value["data_base64"]))
    : undefined

/**
 * Reads JSON or protobuf, whichever the bytes are.
 *
 * Neither announces itself: protobuf may begin with a line feed (field 1), a blank (field 4) or, behind a length, with
 * `{`. So what looks like JSON and cannot be parsed is tried as protobuf.
 */
export const jsonOrProtobuf = <A>(
  data: Uint8Array,
  json: (value: unknown) => Result.Result<A, Problem>,
  protobuf: (data: Uint8Array) => Result.Result<A, Problem>
): Result.Result<A, Problem> => {
  if (data.length === 0) return fail([], "expected JSON or protobuf, got an empty message")
  if (!looksLikeJson(data)) return protobuf(data)
  const value = parseBytes(data)
  if (Result.isSuccess(value)) {
    const inner = binaryIn(value.success)
    const read = inner === undefined ? undefined : protobuf(inner)
    return read !== undefined && Result.isSuccess(read) ? read : json(value.success)
  }
  const read = protobuf(data)
  return Result.isSuccess(read) ? read : Result.fail(value.failure)
}
