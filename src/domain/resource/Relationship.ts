/**
 * How a resource refers to another, by that one's name: two that refer to each other are declared in two files that do not
 * know of each other.
 */
import type { Attributes } from "./Attribute.ts"

/** One record of the other, whose key an attribute of this one holds. */
export interface BelongsTo<out By extends string = string> {
  readonly kind: "belongs_to"
  readonly resource: string
  readonly by: By
}

/** All records of the other that hold the key of this one in an attribute of theirs. */
export interface HasMany {
  readonly kind: "has_many"
  readonly resource: string
  readonly by: string
}

export type Relationship = BelongsTo | HasMany

export type Relationships = Readonly<Record<string, Relationship>>

export const belongsTo = <const By extends string>(resource: string, by: By): BelongsTo<By> => ({
  kind: "belongs_to",
  resource,
  by
})

export const hasMany = (resource: string, by: string): HasMany => ({ kind: "has_many", resource, by })

/** What of a resource relationships are about. */
export interface Relating {
  readonly name: string
  readonly key: string
  readonly attributes: Attributes
  readonly relationships: Relationships
}

/** A line for each relationship that leads nowhere, or by an attribute that holds no key of the other. */
export const faults = (all: ReadonlyArray<Relating>): ReadonlyArray<string> => {
  const byName = new Map(all.map((one) => [one.name, one]))
  return all.flatMap((own) =>
    Object.entries(own.relationships).flatMap(([name, { by, kind, resource }]) => {
      const other = byName.get(resource)
      const about = `${name} of ${own.name}`
      if (other === undefined) return [`${about}: there is no resource ${resource}`]
      const [holder, held] = kind === "belongs_to" ? [own, other] : [other, own]
      const reference = holder.attributes[by]
      if (reference === undefined) return [`${about}: ${holder.name} has no attribute ${by}`]
      const expected = held.attributes[held.key]?.kind
      return reference.kind === expected
        ? []
        : [`${about}: ${by} of ${holder.name} is ${reference.kind}, the key of ${held.name} is ${expected}`]
    })
  )
}
