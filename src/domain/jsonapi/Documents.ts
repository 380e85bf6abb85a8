/** Records as resource objects, and pages of them with their links. */
import type { Sorting } from "../records/Order.ts"
import { fieldOf, type Json, publicField, publicFields, type Stored, toJson } from "../records/Record.ts"
import type { Node, Surroundings } from "../resource/expression/Node.ts"
import type { Definition } from "../resource/Resource.ts"
import * as Cursors from "./Cursors.ts"
import { type Related, related, type Resources } from "./Includes.ts"
import type { Fields, Query } from "./Query.ts"
import { fieldName } from "./Wire.ts"

/** The address of a resource's records. */
export const address = (base: string, { collection }: Definition): string => `${base}/${collection}`

/** Another record, as a relationship names it. */
export interface Identifier {
  readonly type: string
  readonly id: string
}

/** The records that were found for a relationship of a record, by the relationship's name. */
export type Linked = ReadonlyMap<string, ReadonlyArray<Identifier>>

/** How records are shown. */
export interface Showing {
  readonly base: string
  readonly resources: Resources
  readonly fields: Fields
  readonly surroundings: Surroundings
}

export const keyOf = ({ key }: Definition, { values }: Stored): string => String(values[key] ?? "")

const relationshipOf = (
  { base }: Showing,
  definition: Definition,
  stored: Stored,
  { name, relationship: { by, kind }, target: { definition: other } }: Related,
  linked: Linked | undefined
) => {
  const home = address(base, other)
  const found = linked?.get(name)
  if (kind === "has_many") {
    const query = `filter[${fieldName(by)}]=${encodeURIComponent(keyOf(definition, stored))}`
    return { ...(found === undefined ? {} : { data: found }), links: { related: `${home}?${query}` } }
  }
  const key = stored.values[by] ?? null
  return key === null ? { data: null } : {
    data: { type: other.name, id: String(key) },
    links: { related: `${home}/${encodeURIComponent(String(key))}` }
  }
}

/** Those that others may see: what a record refers to by a private attribute is nobody's business. */
const shownRelationships = (definition: Definition, resources: Resources): ReadonlyArray<Related> =>
  related(definition, resources).filter(({ relationship: { by, kind }, target }) =>
    publicField(kind === "belongs_to" ? definition : target.definition, by) !== undefined
  )

/** What is shown of all records of a resource in an answer, found out once for all of them. */
interface Plan {
  readonly home: string
  readonly fields: ReadonlyArray<{ readonly wire: string; readonly attribute: string; readonly node: Node }>
  readonly relationships: ReadonlyArray<readonly [wire: string, related: Related]>
}

const makePlan = (
  { base, resources }: Showing,
  definition: Definition,
  wanted: ReadonlySet<string> | undefined
): Plan => {
  const isShown = (wire: string) => wanted === undefined || wanted.has(wire)
  return {
    home: address(base, definition),
    fields: publicFields(definition).flatMap((name) => {
      const node = publicField(definition, name)
      const wire = fieldName(name)
      const attribute = Object.hasOwn(definition.calculations, name) ? "" : name
      return node !== undefined && isShown(wire) ? [{ wire, attribute, node }] : []
    }),
    relationships: shownRelationships(definition, resources).flatMap((one) => {
      const wire = fieldName(one.name)
      return isShown(wire) ? [[wire, one] as const] : []
    })
  }
}

type Plans = Map<Definition, Plan>

/** Of whole records for all answers, and of parts of them for one. */
const wholes = new WeakMap<Resources, Plans>()
const parts = new WeakMap<Showing, Plans>()

const planOf = (showing: Showing, definition: Definition): Plan => {
  const wanted = showing.fields.get(definition.name)
  const plans: Plans = (wanted === undefined ? wholes.get(showing.resources) : parts.get(showing)) ?? new Map()
  if (wanted === undefined) wholes.set(showing.resources, plans)
  else parts.set(showing, plans)
  const plan = plans.get(definition) ?? makePlan(showing, definition, wanted)
  plans.set(definition, plan)
  return plan
}

export const object = (showing: Showing, definition: Definition, stored: Stored, linked?: Linked) => {
  const plan = planOf(showing, definition)
  const id = keyOf(definition, stored)
  const attributes: Record<string, Json> = {}
  for (const { attribute, node, wire } of plan.fields) {
    attributes[wire] = toJson(
      attribute === "" ? fieldOf(node, stored, showing.surroundings) : stored.values[attribute] ?? null
    )
  }
  const relationships = plan.relationships.map(([wire, one]) =>
    [wire, relationshipOf(showing, definition, stored, one, linked)] as const
  )
  return {
    type: definition.name,
    id,
    attributes,
    ...(relationships.length === 0 ? {} : { relationships: Object.fromEntries(relationships) }),
    links: { self: `${plan.home}/${encodeURIComponent(id)}` },
    meta: { version: stored.version }
  }
}

export interface Paged {
  readonly records: ReadonlyArray<Stored>
  readonly hasMore: boolean
  readonly total?: number
}

const cursorOf = (order: ReadonlyArray<Sorting>, orderText: string, stored: Stored, surroundings: Surroundings) =>
  Cursors.encode(orderText, order.map(({ of }) => fieldOf(of, stored, surroundings)))

/** Of the page that was asked for with these parameters at this path. */
export const links = (
  path: string,
  parameters: URLSearchParams,
  { limit, offset, order, orderText, place }: Query,
  { hasMore, records, total }: Paged,
  surroundings: Surroundings
) => {
  const to = (changes: Readonly<Record<string, string>>) => {
    const query = new URLSearchParams(parameters)
    for (const name of ["page[after]", "page[before]", "page[offset]"]) query.delete(name)
    for (const [name, value] of Object.entries(changes)) query.set(name, value)
    const text = query.toString()
    return text === "" ? path : `${path}?${text}`
  }
  const self = parameters.size === 0 ? path : `${path}?${parameters}`
  if (offset !== undefined) {
    const at = (start: number) => to({ "page[offset]": `${Math.max(0, start)}` })
    return {
      self,
      first: at(0),
      last: total === undefined ? null : at(Math.max(0, Math.ceil(total / limit) - 1) * limit),
      prev: offset === 0 ? null : at(offset - limit),
      next: hasMore ? at(offset + limit) : null
    }
  }
  const [first, last] = [records[0], records.at(-1)]
  const cursor = (stored: Stored) => cursorOf(order, orderText, stored, surroundings)
  const isBackwards = place?.side === "before"
  const isFromEnd = isBackwards && place.values === undefined
  const hasPrevious = isBackwards ? hasMore : place !== undefined
  const hasNext = isBackwards ? !isFromEnd : hasMore
  return {
    self,
    first: to({}),
    last: to({ "page[before]": "" }),
    prev: hasPrevious && first !== undefined ? to({ "page[before]": cursor(first) }) : null,
    next: hasNext && last !== undefined ? to({ "page[after]": cursor(last) }) : null
  }
}
