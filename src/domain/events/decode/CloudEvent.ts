/**
 * CloudEvents 1.0, structured and binary.
 *
 * A JSON object with `specversion` is an envelope around the payload in `data` (any JSON, or text) or `data_base64` (any
 * bytes; version 0.3 had these in `data` too, and said so by `datacontentencoding`). In binary mode the headers are the envelope, `ce-id` and so on, and the message is the payload.
 */
import { Result, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { fail, type Problem } from "./DecodeError.ts"
import { isObject, type JsonObject, parse } from "./Json.ts"
import * as Payload from "./Payload.ts"

const text = Schema.optionalKey(Schema.NullOr(Schema.String))

const open = Payload.make(Schema.Struct({
  specversion: Schema.String,
  id: text,
  type: text,
  source: text,
  subject: text,
  time: text,
  datacontenttype: text,
  datacontentencoding: text,
  data: Schema.optionalKey(Schema.Unknown),
  data_base64: text
}))

export interface Envelope {
  readonly id: string | undefined
  readonly type: string | undefined
  readonly source: string | undefined
  readonly subject: string | undefined
  readonly time: string | undefined
  readonly contentType: string | undefined
}

/** What an envelope is around. */
export type Content = { readonly value: unknown } | { readonly bytes: Uint8Array } | { readonly isMissing: true }

/** One object with what is around it, as mappings take it. */
export interface Element {
  /** None when it was no CloudEvent. */
  readonly envelope: Envelope | undefined
  readonly payload: JsonObject
  /** As it was received, envelope and all, but for secrets. */
  readonly original: JsonObject
}

/** Source and id, which name an event once and for all; none without them. */
export const nameOf = (envelope: Envelope | undefined): string | undefined =>
  envelope === undefined || envelope.source === undefined || envelope.id === undefined || envelope.id === ""
    ? undefined
    : `${envelope.source}\n${envelope.id}`

export const isEvent = (value: unknown): value is JsonObject => isObject(value) && value["specversion"] !== undefined

/** Objects and arrays in text are what was meant; other text is a value of its own. */
export const ofText = (given: string): unknown => {
  if (!/^\s*[[{]/.test(given)) return given
  const value = Result.getOrUndefined(parse(given))
  return typeof value === "object" && value !== null ? value : given
}

export interface Opened {
  readonly envelope: Envelope
  readonly content: Content
}

const bytesOf = (envelope: Envelope, key: string, base64: string): Result.Result<Opened, Problem> => {
  const bytes = Base64.decode(base64)
  return Result.isFailure(bytes)
    ? fail([key], "expected base64")
    : Result.succeed({ envelope, content: { bytes: bytes.success } })
}

export const unwrap = (event: JsonObject): Result.Result<Opened, Problem> =>
  Result.flatMap(
    open(event, (fields) => fields),
    (fields): Result.Result<Opened, Problem> => {
      const envelope = {
        id: fields.id ?? undefined,
        type: fields.type ?? undefined,
        source: fields.source ?? undefined,
        subject: fields.subject ?? undefined,
        time: fields.time ?? undefined,
        contentType: fields.datacontenttype ?? undefined
      }
      const { data, data_base64, datacontentencoding } = fields
      if (typeof data === "string" && datacontentencoding?.toLowerCase() === "base64") {
        return bytesOf(envelope, "data", data)
      }
      if (typeof data === "string") return Result.succeed({ envelope, content: { value: ofText(data) } })
      if (data !== undefined && data !== null) return Result.succeed({ envelope, content: { value: data } })
      return typeof data_base64 === "string"
        ? bytesOf(envelope, "data_base64", data_base64)
        : Result.succeed({ envelope, content: { isMissing: true } })
    }
  )

/** Values outside printable ASCII come percent-encoded. */
const headerText = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : Result.getOrElse(Result.try(() => decodeURIComponent(value)), () => value)

/** None when the headers are those of no CloudEvent. */
export const ofHeaders = (headers: ReadonlyMap<string, string>): Envelope | undefined => {
  if (!headers.has("ce-specversion")) return undefined
  const attribute = (name: string) => headerText(headers.get(`ce-${name}`))
  return {
    id: attribute("id"),
    type: attribute("type"),
    source: attribute("source"),
    subject: attribute("subject"),
    time: attribute("time"),
    contentType: headers.get("content-type") ?? attribute("datacontenttype")
  }
}

/** The envelope as an object around the data, as structured mode has it. */
export const around = ({ contentType, ...attributes }: Envelope, data: unknown): JsonObject => ({
  specversion: "1.0",
  ...Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)),
  ...(contentType === undefined ? {} : { datacontenttype: contentType }),
  data
})

/** An object of its own, or inside of an envelope; another value in there is the message of an object. */
export const element = (value: unknown, envelope: Envelope | undefined, received?: JsonObject): Element => {
  const payload = isObject(value) ? value : value === undefined ? {} : { message: value }
  const original = envelope === undefined
    ? payload
    : received === undefined
    ? around(envelope, value)
    : isObject(value) && received["data"] !== value
    ? withData(received, value)
    : received
  return { envelope, payload, original }
}

const withData = (received: JsonObject, data: JsonObject): JsonObject => ({
  ...Object.fromEntries(Object.entries(received).filter(([key]) => key !== "data_base64")),
  data
})
