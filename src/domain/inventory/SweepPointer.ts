/**
 * The value of an agent's key when its sweep config is an object: where the object is, and what it must be like.
 *
 * An agent follows any `object_key`, merges `overrides` into the object, and only warns when the hash is wrong; so a
 * pointer is written only to an object whose size and hash the store has confirmed.
 */
import { Duration, Option, Result, Schema } from "effect"
import * as GoDuration from "../config/GoDuration.ts"

const Overrides = Schema.Record(Schema.String, Schema.Unknown)

const Pointer = Schema.Struct({
  storage: Schema.Literal("data_service"),
  object_key: Schema.String,
  sha256: Schema.String,
  total_size: Schema.Finite,
  updated_at: Schema.String,
  overrides: Schema.optionalKey(Schema.NullOr(Overrides))
})

export interface SweepPointer {
  readonly objectKey: string
  readonly sha256: string
  readonly bytes: number
  /** Unix milliseconds; 0 when it cannot be read. */
  readonly updatedAt: number
  readonly overrides: Option.Option<Readonly<Record<string, unknown>>>
  /** Whether an agent can read its durations. */
  readonly isReadable: boolean
}

const durationKeys = new Set(["interval", "timeout"])

const isNumericDuration = ([key, value]: readonly [string, unknown]): boolean =>
  durationKeys.has(key) && typeof value === "number" && Number.isSafeInteger(value)

/** An agent cannot read a document whose durations are numbers. */
const withTextDurations = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(settings).map((entry) =>
      isNumericDuration(entry) ? [entry[0], GoDuration.format(Duration.nanos(BigInt(Number(entry[1]))))] : entry
    )
  )

const RawDocument = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeRaw = Schema.decodeUnknownResult(RawDocument)

/** What is told by the targets themselves. */
const listKeys = new Set(["networks", "device_targets"])

/** What somebody has set at the key beside the targets: overrides of a pointer, or the rest of a document. */
export const settingsOf = (text: string): Readonly<Record<string, unknown>> => {
  const pointer = parse(text)
  if (Option.isSome(pointer)) return withTextDurations(Option.getOrElse(pointer.value.overrides, () => ({})))
  const raw = decodeRaw(text)
  return Result.isFailure(raw)
    ? {}
    : withTextDurations(Object.fromEntries(Object.entries(raw.success).filter(([key]) => !listKeys.has(key))))
}

/** A document of targets with settings beside them. */
export const withSettings = (document: string, settings: Readonly<Record<string, unknown>>): string => {
  const text = JSON.stringify(settings)
  return text === "{}" ? document : `${document.slice(0, -1)},${text.slice(1)}`
}

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Pointer))

/** None when the value is anything else. */
export const parse = (text: string): Option.Option<SweepPointer> =>
  Option.map(Result.getSuccess(decode(text)), (pointer) => ({
    objectKey: pointer.object_key,
    sha256: pointer.sha256,
    bytes: pointer.total_size,
    updatedAt: Date.parse(pointer.updated_at) || 0,
    overrides: Option.fromNullishOr(pointer.overrides),
    isReadable: !Object.entries(pointer.overrides ?? {}).some(isNumericDuration)
  }))

export const render = (
  pointer: {
    readonly objectKey: string
    readonly sha256: string
    readonly bytes: number
    readonly chunks: number
    readonly updatedAt: number
    readonly overrides: Option.Option<Readonly<Record<string, unknown>>>
  }
): string =>
  JSON.stringify({
    chunks: pointer.chunks,
    content_type: "application/json",
    object_key: pointer.objectKey,
    ...(Option.isSome(pointer.overrides) ? { overrides: withTextDurations(pointer.overrides.value) } : {}),
    sha256: pointer.sha256,
    storage: "data_service",
    total_size: pointer.bytes,
    updated_at: new Date(pointer.updatedAt).toISOString().replace(/\.\d+Z$/, "Z")
  })

const hexOf = (text: string): string => {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  const base64 = text.replace(/^SHA-256=/, "").replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "")
  if (!/^[A-Za-z0-9+/]{43}$/.test(base64)) return ""
  return Array.from(atob(base64), (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("")
}

/** Whether two texts are the same hash, each hexadecimal or any form of base64. */
export const isSameHash = (left: string, right: string): boolean => {
  const hash = hexOf(left)
  return hash !== "" && hash === hexOf(right)
}
