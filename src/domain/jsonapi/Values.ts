/** Values as an address writes them. */
import { Option, Result, Schema } from "effect"
import * as Attribute from "../resource/Attribute.ts"
import type { Answer, Kind, Value } from "../resource/expression/Kind.ts"

const attributes: Readonly<Record<Exclude<Kind, "text_list">, Attribute.Attribute<Value>>> = {
  text: Attribute.text(),
  uuid: Attribute.uuid,
  integer: Attribute.integer,
  float: Attribute.float,
  boolean: Attribute.boolean,
  instant: Attribute.instant
}

/** Made once: to make one takes longer than to use it. */
const decoders = {
  text: Schema.decodeUnknownOption(attributes.text.schema),
  uuid: Schema.decodeUnknownOption(attributes.uuid.schema),
  integer: Schema.decodeUnknownOption(attributes.integer.schema),
  float: Schema.decodeUnknownOption(attributes.float.schema),
  boolean: Schema.decodeUnknownOption(attributes.boolean.schema),
  instant: Schema.decodeUnknownOption(attributes.instant.schema)
}

const expectations: Readonly<Record<Kind, string>> = {
  text: "a text without NUL characters",
  uuid: "a UUID",
  integer: "a whole number",
  float: "a number",
  boolean: "true or false",
  instant: "a time such as 2026-01-31T08:00:00Z",
  text_list: "a text"
}

/** As JSON has it. */
const raw = (kind: Kind, text: string): unknown => {
  switch (kind) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text
    case "integer":
    case "float":
      return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : text
    default:
      return text
  }
}

/** Of the items of a list, where it is one. Fails with what is expected. */
export const parse = (kind: Kind, text: string): Result.Result<Answer, string> => fromJson(kind, raw(kind, text))

export const fromJson = (kind: Kind, value: unknown): Result.Result<Answer, string> =>
  Option.match(decoders[kind === "text_list" ? "text" : kind](value), {
    onNone: () => Result.fail(expectations[kind]),
    onSome: Result.succeed
  })
