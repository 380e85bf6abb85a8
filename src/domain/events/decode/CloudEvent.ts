/**
 * CloudEvents 1.0 in JSON: a body with `specversion` is an envelope around the payload in `data` or `data_base64`.
 */
import { Result, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { fail, type Problem } from "./DecodeError.ts"
import { isObject, type JsonObject, parse, parseBytes } from "./Json.ts"
import * as Payload from "./Payload.ts"

const decode = Payload.make(Schema.Struct({
  specversion: Schema.String,
  id: Schema.optionalKey(Schema.Unknown),
  type: Schema.optionalKey(Schema.String),
  source: Schema.optionalKey(Schema.String),
  subject: Schema.optionalKey(Schema.NullOr(Schema.String)),
  time: Schema.optionalKey(Schema.NullOr(Schema.String)),
  data: Schema.optionalKey(Schema.Unknown),
  data_base64: Schema.optionalKey(Schema.NullOr(Schema.String))
}))

export interface Envelope {
  /** Source and id, which name an event once and for all; none without them. */
  readonly name: string | undefined
  readonly type: string | undefined
  readonly source: string | undefined
  readonly subject: string | undefined
  readonly time: string | undefined
}

export interface Unwrapped {
  /** None when the body was no CloudEvent. */
  readonly envelope: Envelope | undefined
  readonly payload: JsonObject
}

const nameOf = (source: string | undefined, id: unknown): string | undefined =>
  source === undefined || typeof id !== "string" || id === "" ? undefined : `${source}\n${id}`

/** Data as text is JSON of an object, or else a message of its own. */
const fromText = (text: string): JsonObject => {
  const value = Result.getOrUndefined(parse(text))
  return isObject(value) ? value : { message: text }
}

const fromBase64 = (text: string): Result.Result<JsonObject, Problem> => {
  const bytes = Base64.decode(text)
  if (Result.isFailure(bytes)) return fail(["data_base64"], "expected base64")
  const value = Result.getOrUndefined(parseBytes(bytes.success))
  return isObject(value) ? Result.succeed(value) : fail(["data_base64"], "expected a JSON object")
}

const payloadOf = (event: { readonly data?: unknown; readonly data_base64?: string | null }) => {
  if (isObject(event.data)) return Result.succeed(event.data)
  if (typeof event.data === "string") return Result.succeed(fromText(event.data))
  if (typeof event.data_base64 === "string") return fromBase64(event.data_base64)
  return event.data === undefined || event.data === null
    ? Result.succeed({})
    : fail(["data"], "expected an object or a text")
}

/** The payload of a CloudEvent, or the object itself when it is none. */
export const unwrap = (object: JsonObject): Result.Result<Unwrapped, Problem> => {
  if (object["specversion"] === undefined) return Result.succeed({ envelope: undefined, payload: object })
  const decoded = decode(object)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const event = decoded.success
  return Result.map(payloadOf(event), (payload) => ({
    envelope: {
      name: nameOf(event.source, event.id),
      type: event.type,
      source: event.source,
      subject: event.subject ?? undefined,
      time: event.time ?? undefined
    },
    payload
  }))
}

/** A CloudEvent around an array counts as one CloudEvent for each of its items. */
export const spread = (value: unknown): unknown =>
  isObject(value) && value["specversion"] !== undefined && Array.isArray(value["data"])
    ? value["data"].map((data: unknown) => ({ ...value, data }))
    : value

/** Applies a mapping to what is in the envelope, if there is one. */
export const inside =
  <Row>(map: (payload: JsonObject, index: number) => Result.Result<Row, Problem>) =>
  (object: JsonObject, index: number): Result.Result<Row, Problem> =>
    Result.flatMap(unwrap(object), ({ payload }) => map(payload, index))
