/**
 * The names that migrations give to what keeps records apart and together: `<table>_pkey`, `<table>_<identity>_key`, and
 * `<table>_<attribute>_fkey` where an attribute refers to another record; identity and attribute in snake case. What a tenant
 * may have only so many of breaks `<table>_limit`; what is below itself by an attribute breaks `<table>_<attribute>_circle`.
 */
import { String } from "effect"
import type { Definition } from "../resource/Resource.ts"

/** What has to be unique, and is not. */
export interface Clash {
  readonly identity: string
  readonly fields: ReadonlyArray<string>
}

export const keyName = ({ table }: Definition): string => `${table}_pkey`
export const identityName = ({ table }: Definition, identity: string): string =>
  `${table}_${String.camelToSnake(identity)}_key`
export const referenceName = ({ table }: Definition, attribute: string): string =>
  `${table}_${String.camelToSnake(attribute)}_fkey`

export const clashOf = (definition: Definition, constraint: string): Clash | undefined => {
  if (constraint === keyName(definition)) return { identity: "key", fields: [definition.key] }
  const found = Object.entries(definition.identities).find(([name]) => identityName(definition, name) === constraint)
  return found === undefined ? undefined : { identity: found[0], fields: found[1] }
}

/** Whether it says that the tenant has as many of these as it may. */
export const isLimit = ({ table }: Definition, constraint: string): boolean => constraint === `${table}_limit`

/** The attribute by which a record would be below itself. */
export const circleOf = ({ attributes, table }: Definition, constraint: string): string | undefined =>
  Object.keys(attributes).find((name) => `${table}_${String.camelToSnake(name)}_circle` === constraint)

/** The attribute that refers to no record of the tenant. */
export const referenceOf = (definition: Definition, constraint: string): string | undefined =>
  Object.keys(definition.attributes).find((name) => referenceName(definition, name) === constraint)
