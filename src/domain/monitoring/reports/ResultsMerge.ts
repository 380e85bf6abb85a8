/**
 * Merges the chunks of a result stream into the one document that core expects, chunk by chunk.
 *
 * Every chunk is a JSON document of its own: an array of devices, or an object that carries them under one of a few
 * keys and describes the whole beside them. Only the encoded devices are kept, so the result is in memory once.
 */
import { Bytes, Predicate, Result, Schema } from "effect"
import * as ExactJson from "../ExactJson.ts"
import { kindOf } from "../ServiceKinds.ts"

/** A chunk that is neither a JSON array nor an object, or one too many. */
export class MergeError extends Schema.TaggedError<MergeError>()("MergeError", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

export interface ResultsMerge {
  /** JSON of the devices, comma separated, without brackets; never empty strings. */
  readonly pieces: ReadonlyArray<Uint8Array>
  readonly bytes: number
  /** JSON of the first chunk's other keys; undefined when it was an array, or when no chunk had data. */
  readonly metadata: string | undefined
  readonly isFirst: boolean
  /** No chunk had anything in it but braces: not even an empty list. */
  readonly isBare: boolean
}

export const bytesMax = 128 * 1_048_576
const listKeys = ["hosts", "devices", "results", "entries", "data"]

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const empty: ResultsMerge = { pieces: [], bytes: 0, metadata: undefined, isFirst: true, isBare: true }

/** Adds the data of the next chunk; a chunk without data changes nothing. */
export const add = (merge: ResultsMerge, data: Uint8Array): Result.Result<ResultsMerge, MergeError> => {
  if (data.length === 0) return Result.succeed(merge)
  if (merge.bytes + data.length > bytesMax) {
    return Result.fail(new MergeError({ detail: `the results exceed ${bytesMax} bytes` }))
  }
  return Result.map(devicesOf(decoder.decode(data)), ({ devices, isBare, metadata }) => {
    const text = devices.slice(1, -1)
    const piece = encoder.encode(text)
    return {
      pieces: text === "" ? merge.pieces : [...merge.pieces, piece],
      bytes: merge.bytes + piece.length,
      metadata: merge.isFirst ? metadata : merge.metadata,
      isFirst: false,
      isBare: merge.isBare && isBare
    }
  })
}

interface ChunkContent {
  /** A JSON array. */
  readonly devices: string
  readonly metadata: string | undefined
  readonly isBare: boolean
}

const devicesOf = (text: string): Result.Result<ChunkContent, MergeError> =>
  Result.try(() => contentOf(ExactJson.parse(text))).pipe(
    // Not only a syntax error: writing JSON fails on nesting that reading accepts.
    Result.mapError(() => new MergeError({ detail: "a chunk of the results is not JSON" })),
    Result.flatMap((content) =>
      content === undefined
        ? Result.fail(new MergeError({ detail: "a chunk of the results is neither an array nor an object" }))
        : Result.succeed(content)
    )
  )

const contentOf = (document: unknown): ChunkContent | undefined => {
  if (Array.isArray(document)) return { devices: ExactJson.stringify(document), metadata: undefined, isBare: false }
  if (!Predicate.isObject(document)) return undefined
  const entries = Object.entries(document)
  for (const key of listKeys) {
    const devices = entries.filter(([name]) => name === key).map(([, value]) => toList(value))[0]
    if (devices !== undefined) {
      const others = Object.fromEntries(entries.filter(([name]) => name !== key))
      return { devices: ExactJson.stringify(devices), metadata: ExactJson.stringify(others), isBare: false }
    }
  }
  return { devices: "[]", metadata: ExactJson.stringify(document), isBare: entries.length === 0 }
}

/** Undefined when the value cannot be meant as a list of devices. */
const toList = (value: unknown): ReadonlyArray<unknown> | undefined => {
  if (value === null) return []
  if (Array.isArray(value)) return value
  if (Predicate.isObject(value)) return Object.values(value)
  if (typeof value !== "string" || !value.startsWith("[")) return undefined
  const parsed = Result.getOrElse(Result.try(() => ExactJson.parse(value)), () => undefined)
  return Array.isArray(parsed) ? parsed : undefined
}

export const isEmpty = (merge: ResultsMerge): boolean => merge.pieces.length === 0

/** An object with `hosts` for a sweep that described itself, else the bare array. */
export const finish = (merge: ResultsMerge, serviceType: string): Uint8Array => {
  const metadata = kindOf(serviceType).results === "sweep" ? merge.metadata : undefined
  const head = metadata === undefined ? "[" : `${metadata.slice(0, -1)}${metadata === "{}" ? "" : ","}"hosts":[`
  return Bytes.concat([
    encoder.encode(head),
    ...merge.pieces.flatMap((piece, index) => index === 0 ? [piece] : [comma, piece]),
    encoder.encode(metadata === undefined ? "]" : "]}")
  ])
}

const comma = encoder.encode(",")
