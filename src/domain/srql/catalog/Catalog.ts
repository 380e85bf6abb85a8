/** All entities of a catalog by their spellings. */
import type { EntityNames } from "../language/Parser.ts"
import type { Entity } from "./Entity.ts"

export interface Catalog extends EntityNames {
  readonly entities: ReadonlyArray<Entity>
  readonly entity: (name: string) => Entity | undefined
}

/** `missing` says why an entity that others have is not there, by its spelling. */
export const make = (
  entities: ReadonlyArray<Entity>,
  missing: Readonly<Record<string, string>> = {}
): Catalog => {
  const bySpelling = new Map(
    entities.flatMap((entity) => entity.spellings.map((spelling) => [spelling, entity] as const))
  )
  return {
    entities,
    entity: (name) => bySpelling.get(name),
    resolve: (spelling) => bySpelling.get(spelling)?.name,
    spellings: [...bySpelling.keys()],
    missing: new Map(Object.entries(missing))
  }
}
