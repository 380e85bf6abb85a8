/**
 * A supervisor's children in start order, as a value: to change one child costs the same among five and 100,000.
 *
 * Successive lists share one table. The newest owns it, an older one knows in what it differs from its successor
 * (Baker's persistent arrays), so every list keeps saying what it said, and only looking back costs time. A child that
 * is removed leaves its place empty until half of all places are.
 */
import type { ChildState } from "./ChildState.ts"

interface Table {
  readonly places: Array<ChildState | undefined>
  readonly placeOf: Map<string, number>
}

interface Difference {
  readonly place: number
  readonly child: ChildState | undefined
  readonly next: ChildList
}

/** Empty places that are never worth a tidy-up. */
const emptyMax = 32

export class ChildList {
  readonly size: number
  private content: Table | Difference

  private constructor(size: number, content: Table | Difference) {
    this.size = size
    this.content = content
  }

  static of(children: Iterable<ChildState>): ChildList {
    const places = [...children]
    return new ChildList(places.length, { places, placeOf: new Map(places.map(({ id }, place) => [id, place])) })
  }

  find(id: string): ChildState | undefined {
    const { placeOf, places } = this.table()
    return places[placeOf.get(id) ?? -1]
  }

  /** In start order. */
  toArray(): ReadonlyArray<ChildState> {
    return this.table().places.filter((child) => child !== undefined)
  }

  /** The child and those that were started after it. */
  fromChild(id: string): ReadonlyArray<ChildState> {
    const { placeOf, places } = this.table()
    return places.slice(placeOf.get(id) ?? places.length).filter((child) => child !== undefined)
  }

  /** With another state of a child that is in the list. */
  replace(child: ChildState): ChildList {
    const place = this.table().placeOf.get(child.id)
    return place === undefined ? this : this.put(place, child, this.size)
  }

  /** With a child whose id no other has, after the others. */
  append(child: ChildState): ChildList {
    return this.put(this.table().places.length, child, this.size + 1)
  }

  remove(id: string): ChildList {
    const { placeOf, places } = this.table()
    const place = placeOf.get(id)
    if (place === undefined) return this
    const left = this.put(place, undefined, this.size - 1)
    return places.length > emptyMax && places.length > 2 * left.size ? ChildList.of(left.toArray()) : left
  }

  private put(place: number, child: ChildState | undefined, size: number): ChildList {
    const table = this.table()
    const before = table.places[place]
    write(table, place, child)
    const list = new ChildList(size, table)
    this.content = { place, child: before, next: list }
    return list
  }

  /** The table as this list sees it, after a walk to whichever list owns it now. */
  private table(): Table {
    if ("places" in this.content) return this.content
    const path: Array<readonly [ChildList, Difference]> = [[this, this.content]]
    let owner = this.content.next
    while (!("places" in owner.content)) {
      path.push([owner, owner.content])
      owner = owner.content.next
    }
    const table = owner.content
    for (const [list, { child, next, place }] of path.toReversed()) {
      next.content = { place, child: table.places[place], next: list }
      write(table, place, child)
      list.content = table
    }
    return table
  }
}

const write = ({ placeOf, places }: Table, place: number, child: ChildState | undefined): void => {
  const before = places[place]
  if (before !== undefined && before.id !== child?.id) placeOf.delete(before.id)
  places[place] = child
  if (child !== undefined) placeOf.set(child.id, place)
  while (places.length > 0 && places[places.length - 1] === undefined) places.pop()
}
