/**
 * `rbac.route_protection` of core's file: who may ask for a path of the v1 API beyond what the API asks of itself. A path of its own
 * counts first, then the longest that ends in `/*` and covers it; its roles are for all methods, or by method, where one that is not
 * named is for everybody.
 */
import { Schema } from "effect"

const Roles = Schema.Array(Schema.String)

export const ProtectionBlock = Schema.Record(
  Schema.String,
  Schema.Union([Roles, Schema.Record(Schema.String, Roles)])
)
export type ProtectionBlock = typeof ProtectionBlock.Type

/** Of which a user must have one; empty for everybody. */
export type RolesFor = (method: string, path: string) => ReadonlyArray<string>

const isList = (roles: ProtectionBlock[string]): roles is ReadonlyArray<string> => Array.isArray(roles)

export const rolesFor = (block: ProtectionBlock): RolesFor => {
  const exact = new Map(Object.entries(block))
  const prefixes = [...exact]
    .flatMap(([path, roles]) => path.endsWith("/*") ? [{ prefix: path.slice(0, -1), roles }] : [])
    .toSorted((a, b) => b.prefix.length - a.prefix.length)
  return (method, path) => {
    const roles = exact.get(path) ?? prefixes.find(({ prefix }) => path.startsWith(prefix))?.roles
    if (roles === undefined) return []
    return isList(roles) ? roles : roles[method] ?? []
  }
}
