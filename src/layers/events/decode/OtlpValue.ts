/** OTLP's attribute values and ids from protobuf to plain JSON, fit for PostgreSQL's text. */
import { cleanText, type JsonObject } from "../../../domain/events/decode/Json.ts"
import * as Secrets from "../../../domain/events/decode/Secrets.ts"
import * as Otlp from "../../../domain/events/mapping/otlp/Otlp.ts"
import type { AnyValue, InstrumentationScope, KeyValue } from "../../../gen/opentelemetry/proto/common/v1/common.ts"
import type { Resource } from "../../../gen/opentelemetry/proto/resource/v1/resource.ts"

const integer = (value: bigint): number | string => {
  const read = Number(value)
  return Number.isSafeInteger(read) ? read : value.toString()
}

export const plain = (any: AnyValue | undefined): unknown => {
  const value = any?.value
  switch (value?.$case) {
    case undefined:
      return null
    case "stringValue":
      return cleanText(value.value)
    case "boolValue":
      return value.value
    case "intValue":
      return integer(value.value)
    case "doubleValue":
      return Otlp.double(value.value)
    case "arrayValue":
      return value.value.values.map(plain)
    case "kvlistValue":
      return attributes(value.value.values)
    case "bytesValue":
      return view(value.value).toString("base64")
  }
}

export const attributes = (values: ReadonlyArray<KeyValue>): JsonObject => {
  const object: Record<string, unknown> = {}
  for (const { key, value } of values) {
    // Assigning this key would set the object's prototype instead.
    if (key === "__proto__") return Object.fromEntries(values.map((one) => [cleanText(one.key), plain(one.value)]))
    if (!Secrets.isSecretKey(key)) object[cleanText(key)] = plain(value)
  }
  return object
}

/** The same bytes, not a copy of them. */
const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/** Empty when all bytes are zero, which means that there is no id. */
export const hex = (id: Uint8Array): string => {
  for (let at = 0; at < id.length; at++) if (id[at] !== 0) return view(id).toString("hex")
  return ""
}

export const resource = (one: Resource | undefined): Otlp.Resource => Otlp.resource(attributes(one?.attributes ?? []))

export const scope = (one: InstrumentationScope | undefined): Otlp.Scope =>
  Otlp.scope(cleanText(one?.name ?? ""), cleanText(one?.version ?? ""), attributes(one?.attributes ?? []))
