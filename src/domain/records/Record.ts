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

/** Attributes whose value is another one. */
export const changedNames = (
  { attributes }: Definition,
  before: Values | null,
  after: Values | null
): ReadonlyArray<string> => {
  const names: Array<string> = []
  for (const name in attributes) {
    const [from, to] = [before?.[name] ?? null, after?.[name] ?? null]
    if (from !== to && !isSame(from, to)) names.push(name)
  }
  return names
}

const isSame = (a: Answer, b: Answer): boolean =>
  typeof a === "object" && typeof b === "object" && jsonText(a) === jsonText(b)

/**
 * What became of these attributes, as `[before, after]`; nothing that is sensitive. Of what is hidden from some only that it
 * changed: who will read it is not known yet. As a text of JSON.
 */
export const changesText = (
  { attributes, reveals }: Definition,
  names: ReadonlyArray<string>,
  before: Values | null,
  after: Values | null
): string => {
  let text = ""
  for (const name of names) {
    if (attributes[name]?.traits.isSensitive !== false) continue
    const isHidden = Object.hasOwn(reveals, name)
    const was = isHidden ? hiddenText : jsonText(before?.[name] ?? null)
    const is = isHidden ? hiddenText : jsonText(after?.[name] ?? null)
    text += `${text === "" ? "" : ","}"${name}":[${was},${is}]`
  }
  return `{${text}}`
}

const hiddenText = JSON.stringify(FieldPolicies.hidden)

/** Without what is private or null, and without the values of what is hidden from some. As a text of JSON. */
export const shownText = ({ attributes, reveals }: Definition, values: Values): string => {
  let text = ""
  for (const name in attributes) {
    const value = values[name] ?? null
    const isHidden = Object.hasOwn(reveals, name)
    if (attributes[name]?.traits.isPrivate !== false || (value === null && !isHidden)) continue
    text += `${text === "" ? "" : ","}"${name}":${isHidden ? hiddenText : jsonText(value)}`
  }
  return `{${text}}`
}
