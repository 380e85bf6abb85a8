/**
 * Records as resource objects, and pages of them with their links.
 *
 * Objects are written as text at once: a page is thousands of values, of which no second copy is made.
 */
import type { Sorting } from "../records/Order.ts"
import { fieldOf, jsonText, type Stored } from "../records/Record.ts"
import { evaluate } from "../resource/expression/Evaluate.ts"
import type { Node, Surroundings } from "../resource/expression/Node.ts"
import { simplify } from "../resource/expression/Simplify.ts"
import * as FieldPolicies from "../resource/FieldPolicies.ts"
import { publicField, publicFields } from "../resource/PublicFields.ts"
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

/** Those that others may see: what a record refers to by a private attribute is nobody's business. */
const shownRelationships = (definition: Definition, resources: Resources): ReadonlyArray<Related> =>
  related(definition, resources).filter(({ relationship: { by, kind }, target }) =>
    publicField(kind === "belongs_to" ? definition : target.definition, by) !== undefined
  )

type Write = (stored: Stored, id: string, linked: Linked | undefined, surroundings: Surroundings) => string

const hidden = JSON.stringify(FieldPolicies.hidden)

const relationshipWriter = (
  { base }: Showing,
  definition: Definition,
  { name, relationship: { by, kind }, target: { definition: other } }: Related
): Write => {
  const wire = JSON.stringify(fieldName(name))
  const home = address(base, other)
  if (kind === "has_many") {
    const query = `${home}?filter[${fieldName(by)}]=`
    return (_stored, id, linked) => {
      const found = linked?.get(name)
      const data = found === undefined ? "" : `"data":${JSON.stringify(found)},`
      return `${wire}:{${data}"links":{"related":${JSON.stringify(query + encodeURIComponent(id))}}}`
    }
  }
  const type = JSON.stringify(other.name)
  return ({ values }, _id, _linked, surroundings) => {
    if (!FieldPolicies.isShown(definition, by, values, surroundings)) return `${wire}:{"meta":${hidden}}`
    const key = values[by] ?? null
    if (key === null) return `${wire}:{"data":null}`
    const id = String(key)
    const related = JSON.stringify(`${home}/${encodeURIComponent(id)}`)
    return `${wire}:{"data":{"type":${type},"id":${JSON.stringify(id)}},"links":{"related":${related}}}`
  }
}

/** What is shown of all records of a resource in an answer, found out once for all of them. */
interface Plan {
  readonly head: string
  readonly home: string
  readonly attributes: ReadonlyArray<readonly [prefix: string, attribute: string]>
  readonly calculations: ReadonlyArray<readonly [prefix: string, node: Node]>
  /** Attributes and calculations that are hidden from some, each with the condition for it to be shown. */
  readonly guarded: ReadonlyArray<readonly [prefix: string, node: Node, revealed: Node]>
  readonly relationships: ReadonlyArray<Write>
}

const prefixOf = (name: string): string => `${JSON.stringify(fieldName(name))}:`

const makePlan = (showing: Showing, definition: Definition, wanted: ReadonlySet<string> | undefined): Plan => {
  const isShown = (name: string) => wanted === undefined || wanted.has(fieldName(name))
  const all = publicFields(definition).filter(isShown)
  const isGuarded = (name: string) => FieldPolicies.condition(definition, name) !== undefined
  const fields = all.filter((name) => !isGuarded(name))
  const isComputed = (name: string) => Object.hasOwn(definition.calculations, name)
  return {
    head: `{"type":${JSON.stringify(definition.name)},"id":`,
    home: address(showing.base, definition),
    attributes: fields.flatMap((name) => isComputed(name) ? [] : [[prefixOf(name), name] as const]),
    calculations: fields.flatMap((name) => {
      const node = isComputed(name) ? publicField(definition, name) : undefined
      return node === undefined ? [] : [[prefixOf(name), node] as const]
    }),
    guarded: all.flatMap((name) => {
      const [node, revealed] = [publicField(definition, name), FieldPolicies.condition(definition, name)]
      return node === undefined || revealed === undefined ? [] : [[prefixOf(name), node, revealed] as const]
    }),
    relationships: shownRelationships(definition, showing.resources)
      .filter(({ name }) => isShown(name))
      .map((one) => relationshipWriter(showing, definition, one))
  }
}

/** Of whole records, for all answers. */
const wholes = new WeakMap<Resources, Map<Definition, Plan>>()

const planOf = (showing: Showing, definition: Definition): Plan => {
  const wanted = showing.fields.get(definition.name)
  if (wanted !== undefined) return makePlan(showing, definition, wanted)
  const plans = wholes.get(showing.resources) ?? new Map<Definition, Plan>()
  wholes.set(showing.resources, plans)
  const plan = plans.get(definition) ?? makePlan(showing, definition, undefined)
  plans.set(definition, plan)
  return plan
}

export const selfOf = ({ base }: Showing, definition: Definition, stored: Stored): string =>
  `${address(base, definition)}/${encodeURIComponent(keyOf(definition, stored))}`

/** Writes the records of one answer as resource objects. */
export const writer = (
  showing: Showing,
  definition: Definition
): (stored: Stored, linked?: Linked) => string => {
  const { attributes, calculations, guarded, head, home, relationships } = planOf(showing, definition)
  const { surroundings } = showing
  // The time is the same for all of them.
  const computed = calculations.map(([prefix, node]) => [prefix, simplify(node, surroundings)] as const)
  const secrets = guarded.map(([prefix, node, revealed]) =>
    [prefix, simplify(node, surroundings), simplify(revealed, surroundings)] as const
  )
  return (stored, linked) => {
    const { values, version } = stored
    const id = keyOf(definition, stored)
    let text = `${head}${JSON.stringify(id)},"attributes":{`
    let comma = ""
    for (const [prefix, attribute] of attributes) {
      text += comma + prefix + jsonText(values[attribute] ?? null)
      comma = ","
    }
    const reading = { ...surroundings, record: values }
    for (const [prefix, node] of computed) {
      text += comma + prefix + jsonText(evaluate(node, reading))
      comma = ","
    }
    for (const [prefix, node, revealed] of secrets) {
      text += comma + prefix + (evaluate(revealed, reading) === true ? jsonText(evaluate(node, reading)) : hidden)
      comma = ","
    }
    const related = relationships.map((write) => write(stored, id, linked, surroundings)).join(",")
    const self = JSON.stringify(`${home}/${encodeURIComponent(id)}`)
    return `${text}}${
      related === "" ? "" : `,"relationships":{${related}}`
    },"links":{"self":${self}},"meta":{"version":${JSON.stringify(version)}}}`
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
