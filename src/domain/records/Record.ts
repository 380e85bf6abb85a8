/** A record as its store has it, and what of it is shown, logged and sorted by. */
import { DateTime } from "effect"
import { evaluate } from "../resource/expression/Evaluate.ts"
import type { Answer, Value } from "../resource/expression/Kind.ts"
import type { Node, Surroundings } from "../resource/expression/Node.ts"
import type { Definition } from "../resource/Resource.ts"

/** The values of a record, all of them. */
export type Values = { readonly [name: string]: Value | null }

export interface Stored {
  readonly values: Values
  /** Another after each change. */
  readonly version: string
}

/** What JSON holds: an instant as an ISO 8601 text. */
export type Json = string | number | boolean | null | ReadonlyArray<string>

export const toJson = (value: Answer): Json =>
  typeof value === "object" && DateTime.isDateTime(value) ? DateTime.formatIso(value) : value

/** An attribute or a calculation, as an expression; undefined for one that is private or not there. */
export const publicField = ({ attributes, calculations }: Definition, field: string): Node | undefined => {
  if (Object.hasOwn(calculations, field)) return calculations[field]
  const attribute = Object.hasOwn(attributes, field) ? attributes[field] : undefined
  return attribute === undefined || attribute.traits.isPrivate
    ? undefined
    : { _tag: "Reference", kind: attribute.kind, source: "record", name: field }
}

const fields = new WeakMap<Definition, ReadonlyArray<string>>()

/** Attributes and calculations that others may see, in the order of their declaration; an `id` is shown as such. */
export const publicFields = (definition: Definition): ReadonlyArray<string> => {
  const known = fields.get(definition) ??
    [...Object.keys(definition.attributes), ...Object.keys(definition.calculations)].filter((field) =>
      field !== "id" && publicField(definition, field) !== undefined
    )
  fields.set(definition, known)
  return known
}

/** What a field of this record is. */
export const fieldOf = (node: Node, { values }: Stored, surroundings: Surroundings): Answer =>
  evaluate(node, { ...surroundings, record: values })

/** What became of each attribute that changed, as `[before, after]`; nothing that is sensitive. */
export const changes = (
  { attributes }: Definition,
  before: Values | null,
  after: Values | null
): Readonly<Record<string, readonly [Json, Json]>> =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, { traits }]) => {
      const [from, to] = [before?.[name] ?? null, after?.[name] ?? null]
      if (traits.isSensitive || from === to) return []
      const [was, is] = [toJson(from), toJson(to)]
      return JSON.stringify(was) === JSON.stringify(is) ? [] : [[name, [was, is] as const]]
    })
  )

/** Without what is private. */
export const shown = ({ attributes }: Definition, values: Values): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, { traits }]) =>
      traits.isPrivate ? [] : [[name, toJson(values[name] ?? null)]]
    )
  )
