/** The values of attributes, as expressions refer to them. */
import type { Attribute, Attributes } from "./Attribute.ts"
import { type Expression, reference } from "./expression/Expression.ts"
import type { Source } from "./expression/Node.ts"

export type NamesOf<T extends Attributes> = {
  readonly [K in keyof T]: T[K] extends Attribute<infer A> ? Expression<A> : never
}

export const namesOf = <T extends Attributes>(source: Source, attributes: T): NamesOf<T> =>
  // boundary: each name refers to a value of its own attribute, which `Object.entries` cannot say
  Object.fromEntries(
    Object.entries(attributes).map(([name, { kind }]) => [name, reference(source, name, kind)])
  ) as NamesOf<T>
