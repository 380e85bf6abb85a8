/** The text of a record, from wherever its publisher put it. */
import { type JsonObject, textValue } from "../../decode/Json.ts"
import * as Ecs from "./Ecs.ts"

const nestedPaths = ["event.original", "fields.message", "jsonPayload.message"] as const

/** Of a record that has it in a group of its own: ECS, `tracing` of Rust, and Google's log entries. */
export const nested = (object: JsonObject): string | null => {
  for (const path of nestedPaths) {
    const text = textValue(Ecs.member(object, path))
    if (text !== null) return text
  }
  return null
}

const isCode = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 0x10ffff

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** Erlang's lists hold code points; journald's hold the bytes of a text that is not printable, which are UTF-8. */
const ofCodes = (codes: ReadonlyArray<number>): string => {
  if (codes.some((code) => code > 0x7f) && codes.every((code) => code <= 0xff)) {
    try {
      return utf8.decode(Uint8Array.from(codes))
    } catch {
      // Code points, then: those of a whole text are hardly ever UTF-8 by chance.
    }
  }
  return codes.map((code) => String.fromCodePoint(code)).join("").toWellFormed()
}

/** None for null. */
export const of = (value: unknown): string | null =>
  Array.isArray(value) && value.length > 0 && value.every(isCode) ? ofCodes(value) : textValue(value)
