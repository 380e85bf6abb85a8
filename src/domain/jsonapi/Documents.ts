/** Records as resource objects, and pages of them with their links. */
import type { Sorting } from "../records/Order.ts"
import { fieldOf, publicField, publicFields, type Stored, toJson } from "../records/Record.ts"
import type { Surroundings } from "../resource/expression/Node.ts"
import type { Definition } from "../resource/Resource.ts"
import * as Cursors from "./Cursors.ts"
import type { Query } from "./Query.ts"
import { fieldName } from "./Wire.ts"

/** The address of a resource's records. */
export const address = (base: string, { collection }: Definition): string => `${base}/${collection}`

export const object = (
  base: string,
  definition: Definition,
  stored: Stored,
  fields: ReadonlySet<string> | undefined,
  surroundings: Surroundings
) => {
  const id = String(stored.values[definition.key] ?? "")
  const attributes = publicFields(definition).flatMap((name) => {
    const node = publicField(definition, name)
    const wire = fieldName(name)
    return node === undefined || fields?.has(wire) === false
      ? []
      : [[wire, toJson(fieldOf(node, stored, surroundings))] as const]
  })
  return {
    type: definition.name,
    id,
    attributes: Object.fromEntries(attributes),
    links: { self: `${address(base, definition)}/${encodeURIComponent(id)}` },
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
