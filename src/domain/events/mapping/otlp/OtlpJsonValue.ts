/** Attributes, resources and scopes of OTLP in its JSON encoding as plain JSON. */
import { isObject, type JsonObject } from "../../decode/Json.ts"
import { field, type ProtoJson } from "../../decode/ProtoJson.ts"
import * as Secrets from "../../decode/Secrets.ts"
import * as Otlp from "./Otlp.ts"

const integer = (value: bigint): number | string => {
  const read = Number(value)
  return Number.isSafeInteger(read) ? read : value.toString()
}

const isSet = (value: JsonObject, name: string): boolean => field(value, name) !== undefined

/** An `AnyValue`: the one of its fields that is set. */
export const any = (value: unknown, reader: ProtoJson): unknown => {
  if (value === undefined || value === null) return null
  if (!isObject(value)) {
    reader.refuse(undefined, "expected an object")
    return null
  }
  if (isSet(value, "stringValue")) return reader.text(value, "stringValue")
  if (isSet(value, "intValue")) return integer(reader.int64(value, "intValue") ?? 0n)
  if (isSet(value, "boolValue")) return reader.boolean(value, "boolValue")
  if (isSet(value, "doubleValue")) return Otlp.double(reader.double(value, "doubleValue") ?? 0)
  if (isSet(value, "arrayValue")) return nested(value, "arrayValue", reader, list)
  if (isSet(value, "kvlistValue")) {
    return nested(value, "kvlistValue", reader, (one) => attributes(one, "values", reader))
  }
  return isSet(value, "bytesValue") ? reader.bytes(value, "bytesValue") : null
}

const nested = (
  value: JsonObject,
  name: string,
  reader: ProtoJson,
  read: (inner: JsonObject, reader: ProtoJson) => unknown
): unknown => {
  const inner = reader.message(value, name)
  reader.enter(name)
  const result = read(inner, reader)
  reader.leave(1)
  return result
}

const list = (inner: JsonObject, reader: ProtoJson): ReadonlyArray<unknown> =>
  reader.items(inner, "values").map((one, at) => {
    reader.enter("values", at)
    const result = any(one, reader)
    reader.leave(2)
    return result
  })

/** A list of `KeyValue`s as an object. */
export const attributes = (holder: JsonObject, name: string, reader: ProtoJson): JsonObject => {
  if (!isSet(holder, name)) return {}
  return Object.fromEntries(
    reader.messages(holder, name, (pair) => {
      const key = reader.text(pair, "key")
      reader.enter("value")
      const value = any(field(pair, "value"), reader)
      reader.leave(1)
      return [key, value] as const
    }).filter(([key]) => !Secrets.isSecretKey(key))
  )
}

export const resource = (group: JsonObject, reader: ProtoJson): Otlp.Resource => {
  const inner = reader.message(group, "resource")
  reader.enter("resource")
  const read = Otlp.resource(attributes(inner, "attributes", reader))
  reader.leave(1)
  return read
}

export const scope = (group: JsonObject, reader: ProtoJson): Otlp.Scope => {
  const inner = reader.message(group, "scope")
  reader.enter("scope")
  const read = Otlp.scope(
    reader.text(inner, "name"),
    reader.text(inner, "version"),
    attributes(inner, "attributes", reader)
  )
  reader.leave(1)
  return read
}
