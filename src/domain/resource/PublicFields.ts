/** What others may see of a record, by what its resource declares. */
import type { Node } from "./expression/Node.ts"
import type { Definition } from "./Resource.ts"

/**
 * An attribute or a calculation, as an expression; undefined for one that is private or not there. One that is hidden from some,
 * or from all, is there.
 */
export const publicField = ({ attributes, calculations, reveals }: Definition, field: string): Node | undefined => {
  if (Object.hasOwn(calculations, field)) return calculations[field]
  const attribute = Object.hasOwn(attributes, field) ? attributes[field] : undefined
  return attribute === undefined || (attribute.traits.isPrivate && !Object.hasOwn(reveals, field))
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
