/** A record as its store has it, and what of it is shown, logged and sorted by. */
import { DateTime } from "effect"
import { evaluate } from "../resource/expression/Evaluate.ts"
import type { Answer, Value } from "../resource/expression/Kind.ts"
import type { Node, Surroundings } from "../resource/expression/Node.ts"
import * as FieldPolicies from "../resource/FieldPolicies.ts"
import type { Definition } from "../resource/Resource.ts"

/** The values of a record, all of them. */
export type Values = { readonly [name: string]: Value | null }

export interface Stored {
  readonly values: Values
  /** Another after each change. */
  readonly version: string
}

/** Instants that were written lately: of many records they are the same. */
const isoTexts: Array<{ readonly atMillis: number; readonly text: string } | undefined> = []
/** A prime: times that are whole days apart are no neighbours. */
const isoTextsMax = 1021

const isoOf = (instant: DateTime.Utc): string => {
  const atMillis = instant.epochMilliseconds
  const at = Math.abs(atMillis) % isoTextsMax
  const known = isoTexts[at]
  if (known?.atMillis === atMillis) return known.text
  const text = DateTime.formatIso(instant)
  isoTexts[at] = { atMillis, text }
  return text
}

/** What JSON holds: an instant as an ISO 8601 text. */
export type Json = string | number | boolean | null | ReadonlyArray<string>

export const toJson = (value: Answer): Json =>
  typeof value === "object" && DateTime.isDateTime(value) ? isoOf(value) : value

/** The same as a text of JSON. */
export const jsonText = (value: Answer): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "object":
      return value === null ? "null" : DateTime.isDateTime(value) ? `"${isoOf(value)}"` : JSON.stringify(value)
    default:
      return String(value)
  }
}

/** What a field of this record is. */
export const fieldOf = (node: Node, { values }: Stored, surroundings: Surroundings): Answer =>
  evaluate(node, { ...surroundings, record: values })

/** A value, or that it is hidden from some. */
export type Told = Json | FieldPolicies.Hidden

/**
 * What became of each attribute that changed, as `[before, after]`; nothing that is sensitive. Of what is hidden from some only
 * that it changed: who will read it is not known yet.
 */
export const changes = (
  { attributes, reveals }: Definition,
  before: Values | null,
  after: Values | null
): Readonly<Record<string, readonly [Told, Told]>> => {
  const changed: Record<string, readonly [Told, Told]> = {}
  for (const name of Object.keys(attributes)) {
    const [from, to] = [before?.[name] ?? null, after?.[name] ?? null]
    if (from === to || attributes[name]?.traits.isSensitive !== false) continue
    const [was, is] = [toJson(from), toJson(to)]
    if (JSON.stringify(was) === JSON.stringify(is)) continue
    changed[name] = Object.hasOwn(reveals, name) ? [FieldPolicies.hidden, FieldPolicies.hidden] : [was, is]
  }
  return changed
}

/** Without what is private, and without the values of what is hidden from some. */
export const shown = ({ attributes, reveals }: Definition, values: Values): Readonly<Record<string, Told>> => {
  const record: Record<string, Told> = {}
  for (const name of Object.keys(attributes)) {
    if (attributes[name]?.traits.isPrivate !== false) continue
    record[name] = Object.hasOwn(reveals, name) ? FieldPolicies.hidden : toJson(values[name] ?? null)
  }
  return record
}

/** The same as a text of JSON. */
export const shownText = ({ attributes, reveals }: Definition, values: Values): string => {
  let text = ""
  for (const name of Object.keys(attributes)) {
    if (attributes[name]?.traits.isPrivate !== false) continue
    const told = Object.hasOwn(reveals, name) ? JSON.stringify(FieldPolicies.hidden) : jsonText(values[name] ?? null)
    text += `${text === "" ? "" : ","}"${name}":${told}`
  }
  return `{${text}}`
}
