/** What a program shows instead of signing in; of one user, with at most that user's rights. */
import { actor, bypass, bypassForGovernors, isAdmin, isAnybody, isSystem, mayGovern } from "../records/Actor.ts"
import * as Attribute from "../resource/Attribute.ts"
import * as E from "../resource/expression/Expression.ts"
import { declare } from "../resource/Resource.ts"

export const scopes = ["read", "write", "admin"] as const

export const ApiToken = declare({
  name: "api-token",
  table: "api_tokens",
  key: "id",
  tenant: "tenantId",
  identities: { tokenHash: ["tokenHash"] },
  actor,
  bypass,
  bypassForWrites: bypassForGovernors,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    userId: Attribute.uuid,
    name: Attribute.text(255),
    description: Attribute.text(1000).optional(),
    /** SHA-256 of the token, in lower-case hex. */
    tokenHash: Attribute.text(64).sensitive().immutable(),
    tokenPrefix: Attribute.text(8).immutable(),
    scope: Attribute.oneOf(scopes).or("read"),
    enabled: Attribute.boolean.or(true),
    expiresAt: Attribute.instant.optional(),
    lastUsedAt: Attribute.instant.optional(),
    lastUsedIp: Attribute.text(64).optional(),
    useCount: Attribute.integer.or(0),
    revokedAt: Attribute.instant.optional(),
    revokedBy: Attribute.text(320).optional(),
    createdAt: Attribute.instant.generated("now").immutable()
  }
})
  .computes(({ record }) => {
    const isExpired = E.and(E.not(E.isNull(record.expiresAt)), E.atMost(record.expiresAt, E.now))
    const isRevoked = E.not(E.isNull(record.revokedAt))
    return {
      isRevoked,
      isExpired,
      isValid: E.and(E.equals(record.enabled, true), E.not(isRevoked), E.not(isExpired)),
      status: E.choose<"revoked" | "expired" | "disabled" | "active">(
        [[isRevoked, "revoked"], [isExpired, "expired"], [E.equals(record.enabled, false), "disabled"]],
        "active"
      )
    }
  })
  .does((on) => ({
    read: on.read(),
    create: on.create({
      accepts: ["userId", "name", "description", "scope", "expiresAt", "tokenHash", "tokenPrefix"],
      require: ({ record }) => [["name", E.greaterThan(E.length(record.name), 0), "must not be empty"]]
    }),
    update: on.update({ accepts: ["name", "description", "expiresAt"] }),
    recordUse: on.update({
      given: { ip: Attribute.text(64), count: Attribute.integer },
      change: ({ given }) => ({ lastUsedAt: E.now, lastUsedIp: given.ip, useCount: given.count })
    }),
    revoke: on.update({ change: ({ actor }) => ({ revokedAt: E.now, revokedBy: actor.name, enabled: false }) }),
    disable: on.update({ change: () => ({ enabled: false }) }),
    enable: on.update({
      change: () => ({ enabled: true }),
      require: ({ record }) => [["enabled", E.isNull(record.revokedAt), "cannot be again what was revoked"]]
    })
  }))
  .permits(({ actor, allow, record }) => {
    const isOnes = E.or(isAdmin, E.and(isAnybody, E.equals(record.userId, actor.id)))
    return [
      allow(["read"], isOnes),
      allow(["create", "update", "revoke", "disable", "enable"], E.and(mayGovern, isOnes)),
      allow(["recordUse"], isSystem)
    ]
  })
