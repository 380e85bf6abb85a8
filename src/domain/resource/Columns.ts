/** Where PostgreSQL holds the attributes of a resource. */
import { String } from "effect"
import { name, type Sql } from "../sql/Sql.ts"
import type { Attributes } from "./Attribute.ts"

/** `openedAt` stands in `opened_at`, unless its attribute says otherwise. */
export const columnNameOf = (attributes: Attributes, attribute: string): string =>
  (Object.hasOwn(attributes, attribute) ? attributes[attribute]?.traits.column : undefined) ??
    String.camelToSnake(attribute)

export const columnOf = (attributes: Attributes, attribute: string): Sql => name(columnNameOf(attributes, attribute))
