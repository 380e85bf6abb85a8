/**
 * The order of a list, and the records after a place in it. The key comes last, so that no two records are equal; nothing
 * comes last, or first where the order is descending, as PostgreSQL has it.
 */
import type { Answer } from "../resource/expression/Kind.ts"
import type { Node } from "../resource/expression/Node.ts"
import type { Definition } from "../resource/Resource.ts"

export interface Sorting {
  readonly of: Node
  readonly isDescending: boolean
}

/** A side of a record, by its values of what the list is sorted by. */
export interface Place {
  readonly side: "after" | "before"
  /** Of none: before the end of the list. */
  readonly values?: ReadonlyArray<Answer>
}

/** With the key at the end. */
export const complete = ({ attributes, key }: Definition, order: ReadonlyArray<Sorting>): ReadonlyArray<Sorting> => {
  const kind = attributes[key]?.kind ?? "text"
  const isDescending = order.at(-1)?.isDescending ?? false
  const isThere = order.some(({ of }) => of._tag === "Reference" && of.source === "record" && of.name === key)
  return isThere ? order : [...order, { of: { _tag: "Reference", kind, source: "record", name: key }, isDescending }]
}

export const reversed = (order: ReadonlyArray<Sorting>): ReadonlyArray<Sorting> =>
  order.map(({ isDescending, of }) => ({ of, isDescending: !isDescending }))

const never: Node = { _tag: "Literal", kind: "boolean", value: false }

/** A value that every record has is looked for in an index alone, without those that have none. */
const canBeNothing = ({ attributes }: Definition, of: Node): boolean =>
  of._tag !== "Reference" || of.source !== "record" || attributes[of.name]?.presence === "optional"

/** Whether a record comes later by this alone. */
const later = (definition: Definition, { isDescending, of }: Sorting, value: Answer): Node => {
  const isNothing: Node = { _tag: "IsNull", kind: "boolean", of }
  if (value === null) return isDescending ? { _tag: "Not", kind: "boolean", of: isNothing } : never
  const right: Node = { _tag: "Literal", kind: of.kind, value }
  const beyond: Node = { _tag: "Compare", kind: "boolean", comparison: isDescending ? "<" : ">", left: of, right }
  return isDescending || !canBeNothing(definition, of)
    ? beyond
    : { _tag: "Or", kind: "boolean", parts: [beyond, isNothing] }
}

const same = ({ of }: Sorting, value: Answer): Node =>
  value === null
    ? { _tag: "IsNull", kind: "boolean", of }
    : { _tag: "Compare", kind: "boolean", comparison: "=", left: of, right: { _tag: "Literal", kind: of.kind, value } }

/** Records beyond one with these values, in an order that is complete. */
export const beyond = (
  definition: Definition,
  order: ReadonlyArray<Sorting>,
  values: ReadonlyArray<Answer>
): Node => ({
  _tag: "Or",
  kind: "boolean",
  parts: order.map((sorting, at) => ({
    _tag: "And",
    kind: "boolean",
    parts: [
      ...order.slice(0, at).map((earlier, index) => same(earlier, values[index] ?? null)),
      later(definition, sorting, values[at] ?? null)
    ]
  }))
})
