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
  const isRead = definition.actions[action]?.kind === "read"
  const bypass = isRead ? definition.bypass : definition.bypassForWrites
  const whole = bypass === undefined ? own : or([bypass, own])
  // A partition is asked for: it counts also for whom policies do not.
  return and([ownPartition(definition, isRead), whole])
}

/** The actor's attribute that names the part of the tenant that alone is asked for. */
export const partitionName = "partitionId"

/** In the partition of whoever asks, who sees what is in none as well, and does not change it. */
const ownPartition = ({ attributes, partition }: Definition, isRead: boolean): Node => {
  if (partition === undefined) return and([])
  const kind = (partition === null ? undefined : attributes[partition]?.kind) ?? "text"
  const asked: Node = { _tag: "Reference", source: "actor", name: partitionName, kind }
  const isWhole: Node = { _tag: "IsNull", kind: "boolean", of: asked }
  if (partition === null) return isWhole
  const own: Node = { _tag: "Reference", source: "record", name: partition, kind }
  return or([
    isWhole,
    ...(isRead ? [{ _tag: "IsNull", kind: "boolean", of: own } as const] : []),
    { _tag: "Compare", kind: "boolean", comparison: "=", left: own, right: asked }
  ])
}

/** Whether a record is there at all to whoever asks for a partition. */
export const isInSight = (definition: Definition, record: Values, surroundings: Surroundings): boolean =>
  evaluate(ownPartition(definition, true), { ...surroundings, record }) === true

/** Whether it is allowed on this record. */
export const isAllowed = (
  definition: Definition,
  action: string,
  record: Values,
  surroundings: Surroundings
): boolean => evaluate(condition(definition, action), { ...surroundings, record }) === true

/** Whether any of its reads shows it. */
export const isReadable = (definition: Definition, record: Values, surroundings: Surroundings): boolean =>
  Object.entries(definition.actions).some(([name, { kind }]) =>
    kind === "read" && isAllowed(definition, name, record, surroundings)
  )

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
