/** Who may do what: as a condition on records for reads, as a decision for writes. */
import { evaluate } from "./expression/Evaluate.ts"
import type { Node, Surroundings, Values } from "./expression/Node.ts"
import type { Definition } from "./Resource.ts"

const known = new WeakMap<Definition, Map<string, Node>>()

/** The records on which an action is allowed to an actor. One that is unknown is not. */
export const condition = (definition: Definition, action: string): Node => {
  const conditions = known.get(definition) ?? new Map<string, Node>()
  known.set(definition, conditions)
  const found = conditions.get(action) ?? make(definition, action)
  conditions.set(action, found)
  return found
}

const make = (definition: Definition, action: string): Node => {
  const allowed = or(
    definition.policies.flatMap((policy) => policy.actions.includes(action) ? [policy.condition] : [])
  )
  const own = and([ownTenant(definition), allowed])
  return definition.bypass === undefined ? own : or([definition.bypass, own])
}

/** Whether it is allowed on this record. */
export const isAllowed = (
  definition: Definition,
  action: string,
  record: Values,
  surroundings: Surroundings
): boolean => evaluate(condition(definition, action), { ...surroundings, record }) === true

const ownTenant = ({ attributes, tenant }: Definition): Node => {
  const kind = tenant === undefined ? undefined : attributes[tenant]?.kind
  if (tenant === undefined || kind === undefined) return and([])
  return {
    _tag: "Compare",
    kind: "boolean",
    comparison: "=",
    left: { _tag: "Reference", source: "record", name: tenant, kind },
    right: { _tag: "Reference", source: "actor", name: tenant, kind }
  }
}

const and = (parts: ReadonlyArray<Node>): Node => ({ _tag: "And", kind: "boolean", parts })
const or = (parts: ReadonlyArray<Node>): Node => ({ _tag: "Or", kind: "boolean", parts })
