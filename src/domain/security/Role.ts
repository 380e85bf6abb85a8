/**
 * What each service may do, and how often. An identity that is none of these may do nothing.
 *
 * An installation whose certificates carry other names maps them to roles in its configuration.
 */
import { Option, Schema } from "effect"
import * as CertificateIdentity from "./CertificateIdentity.ts"
import type { Permission, Requirement } from "./Permission.ts"
import type { TokenBucketOptions } from "./TokenBucket.ts"

export const RoleName = Schema.Literals(["core", "poller", "agent", "sync"])
export type RoleName = typeof RoleName.Type

export interface Role {
  readonly permissions: ReadonlySet<Permission>
  /** Calls of one identity. */
  readonly rate: TokenBucketOptions
}

export const roles: Readonly<Record<RoleName, Role>> = {
  core: {
    permissions: new Set<Permission>(["read", "write", "poll", "sync", "admin"]),
    rate: { perSecond: 1_000, burst: 10_000 }
  },
  poller: {
    permissions: new Set<Permission>(["read", "write", "poll"]),
    rate: { perSecond: 100, burst: 1_000 }
  },
  agent: {
    permissions: new Set<Permission>(["read", "report"]),
    rate: { perSecond: 50, burst: 500 }
  },
  sync: {
    permissions: new Set<Permission>(["read", "write", "sync"]),
    rate: { perSecond: 10, burst: 100 }
  }
}

/** In place of those of the table. */
export type Rates = { readonly [R in RoleName]?: TokenBucketOptions | undefined }

/** By the identity's name, where a configuration gives it a role. */
export type RoleNames = Readonly<Record<string, RoleName>>

const isRole = Schema.is(RoleName)

export const ofIdentity = (
  identity: CertificateIdentity.CertificateIdentity,
  given: RoleNames = {}
): Option.Option<RoleName> => {
  const name = CertificateIdentity.nameOf(identity)
  const own = Object.hasOwn(given, name) ? given[name] : undefined
  if (own !== undefined) return Option.some(own)
  return Option.filter(CertificateIdentity.serviceOf(identity), isRole)
}

export const permits = (role: RoleName, requirement: Requirement): boolean =>
  requirement === "none" || roles[role].permissions.has(requirement)
