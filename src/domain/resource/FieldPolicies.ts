/**
 * Which fields of a record are shown to whom. A field that is hidden answers a marker in place of its value, and is neither
 * filtered nor sorted by: both would tell of values that nobody was shown.
 *
 * What is computed of a hidden attribute is hidden with it.
 */
import { evaluate } from "./expression/Evaluate.ts"
import type { Node, Surroundings, Values } from "./expression/Node.ts"
import { recordNames } from "./expression/References.ts"
import { simplify } from "./expression/Simplify.ts"
import type { Definition } from "./Resource.ts"

/** In place of a value, of whatever kind that is. */
export const hidden = { hidden: true } as const
export type Hidden = typeof hidden

type Revealing = Pick<Definition, "attributes" | "calculations" | "reveals">

const known = new WeakMap<Revealing, Map<string, Node | undefined>>()

/** For which records the field is shown; undefined where it is to everybody who sees the record. */
export const condition = (definition: Revealing, field: string): Node | undefined => {
  const conditions = known.get(definition) ?? new Map<string, Node | undefined>()
  known.set(definition, conditions)
  if (!conditions.has(field)) conditions.set(field, make(definition, field))
  return conditions.get(field)
}

const make = ({ calculations, reveals }: Revealing, field: string): Node | undefined => {
  const calculation = Object.hasOwn(calculations, field) ? calculations[field] : undefined
  const names = calculation === undefined ? [field] : recordNames(calculation)
  const parts = [...names].flatMap((name) => {
    const own = Object.hasOwn(reveals, name) ? reveals[name] : undefined
    return own === undefined ? [] : [own]
  })
  const [first, ...others] = parts
  return first === undefined || others.length === 0 ? first : { _tag: "And", kind: "boolean", parts }
}

/** Whether it is shown of this record. What is not known to be allowed is not. */
export const isShown = (
  definition: Revealing,
  field: string,
  record: Values,
  surroundings: Surroundings
): boolean => {
  const of = condition(definition, field)
  return of === undefined || evaluate(of, { ...surroundings, record }) === true
}

/** Whether it is shown of every record: only by such a field may somebody filter, sort, group or follow a relationship. */
export const isOpen = (definition: Revealing, field: string, surroundings: Surroundings): boolean => {
  const of = condition(definition, field)
  if (of === undefined) return true
  const simple = simplify(of, surroundings)
  return simple._tag === "Literal" && simple.value === true
}

/** A line for each field that cannot be hidden: what names a record, its tenant and its state are told by other ways. */
export const faults = ({ attributes, key, name, reveals, state, tenant }: Definition): ReadonlyArray<string> =>
  Object.keys(reveals).flatMap((field) => {
    if (!Object.hasOwn(attributes, field)) return [`${name} has no attribute ${field} to hide`]
    const role = field === key ? "key" : field === tenant ? "tenant" : field === state ? "state" : undefined
    return role === undefined ? [] : [`${field} is the ${role} of ${name} and cannot be hidden`]
  })
