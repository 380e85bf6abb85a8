/** All entities of a catalog by their spellings. */
import type { EntityNames } from "../language/Parser.ts"
import type { Entity } from "./Entity.ts"

export interface Catalog extends EntityNames {
  readonly entities: ReadonlyArray<Entity>
  readonly entity: (name: string) => Entity | undefined
}

export const make = (entities: ReadonlyArray<Entity>): Catalog => {
  const bySpelling = new Map(
    entities.flatMap((entity) => entity.spellings.map((spelling) => [spelling, entity] as const))
  )
  return {
    entities,
    entity: (name) => bySpelling.get(name),
    resolve: (spelling) => bySpelling.get(spelling)?.name,
    spellings: [...bySpelling.keys()]
  }
}
