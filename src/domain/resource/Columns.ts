/** Where PostgreSQL holds the attributes of a resource. */
import { String } from "effect"
import { name, type Sql } from "../sql/Sql.ts"
import type { Attributes } from "./Attribute.ts"

const namesMax = 10_000
const names = new Map<string, string>()

/** `opened_at` for `openedAt`; found out once for each. */
export const snakeCase = (text: string): string => {
  const known = names.get(text)
  if (known !== undefined) return known
  const made = String.camelToSnake(text)
  if (names.size >= namesMax) names.clear()
  names.set(text, made)
  return made
}

/** `openedAt` stands in `opened_at`, unless its attribute says otherwise. */
export const columnNameOf = (attributes: Attributes, attribute: string): string =>
  (Object.hasOwn(attributes, attribute) ? attributes[attribute]?.traits.column : undefined) ??
    snakeCase(attribute)

const columns = new WeakMap<Attributes, Map<string, Sql>>()

/** Its name in a statement; found out once for each that is declared. */
export const columnOf = (attributes: Attributes, attribute: string): Sql => {
  const own = columns.get(attributes) ?? new Map<string, Sql>()
  const column = own.get(attribute) ?? name(columnNameOf(attributes, attribute))
  if (Object.hasOwn(attributes, attribute)) own.set(attribute, column)
  columns.set(attributes, own)
  return column
}
