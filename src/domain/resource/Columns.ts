/** Where PostgreSQL holds the attributes of a resource. */
import { name, type Sql } from "../sql/Sql.ts"
import type { Attributes } from "./Attribute.ts"

/** `openedAt` stands in `opened_at`, unless its attribute says otherwise. */
export const columnOf = (attributes: Attributes, attribute: string): Sql =>
  name(
    (Object.hasOwn(attributes, attribute) ? attributes[attribute]?.traits.column : undefined) ?? snakeCase(attribute)
  )

const snakeCase = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
