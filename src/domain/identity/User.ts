/** Somebody who signs in, of one tenant for good. */
import { actor, bypass, bypassForGovernors, isAdmin, isAnybody, isSystem, mayGovern } from "../records/Actor.ts"
import * as Attribute from "../resource/Attribute.ts"
import * as E from "../resource/expression/Expression.ts"
import { declare } from "../resource/Resource.ts"

export const User = declare({
  name: "user",
  table: "users",
  key: "id",
  tenant: "tenantId",
  identities: { email: ["email"] },
  actor,
  bypass,
  bypassForWrites: bypassForGovernors,
  attributes: {
    tenantId: Attribute.uuid.immutable(),
    id: Attribute.uuid.generated("uuid"),
    /** In lower case; nobody else's in the tenant. */
    email: Attribute.text(320),
    displayName: Attribute.text(255).optional(),
    role: Attribute.oneOf(["viewer", "operator", "admin"]).or("viewer"),
    isSuperUser: Attribute.boolean.or(false).private(),
    hashedPassword: Attribute.text(255).optional().sensitive(),
    confirmedAt: Attribute.instant.optional(),
    authenticatedAt: Attribute.instant.optional(),
    /** Since the last that went well, or that was long ago. */
    failedSignIns: Attribute.integer.or(0),
    lastFailedAt: Attribute.instant.optional(),
    lockedUntil: Attribute.instant.optional(),
    /** SHA-256 of the password's hash in core's file, for whom that file names; another one there is another password. */
    configuredHash: Attribute.text(64).optional().sensitive(),
    insertedAt: Attribute.instant.generated("now").immutable(),
    updatedAt: Attribute.instant.generated("now")
  }
})
  /** Wrong passwords tell of attacks, and whose name is worth the next one. */
  .reveals(({ actor, only, record }) => [
    only(["hashedPassword"]),
    only(
      ["authenticatedAt", "failedSignIns", "lastFailedAt", "lockedUntil"],
      E.or(isAdmin, isSystem, E.equals(record.id, actor.id))
    )
  ])
  .computes(({ record }) => ({ isConfirmed: E.not(E.isNull(record.confirmedAt)) }))
  .does((on) => ({
    read: on.read(),
    create: on.create({
      accepts: ["displayName", "role"],
      given: { email: Attribute.mailAddress },
      change: ({ given }) => ({ email: E.lower(given.email) })
    }),
    /** On the machine itself alone: no one who signs in makes another one what nobody may bound. */
    createSuperUser: on.create({
      accepts: ["displayName", "role"],
      given: { email: Attribute.mailAddress },
      change: ({ given }) => ({ email: E.lower(given.email), isSuperUser: true })
    }),
    update: on.update({ accepts: ["displayName"], change: () => ({ updatedAt: E.now }) }),
    updateRole: on.update({
      given: { role: Attribute.oneOf(["viewer", "operator", "admin"]) },
      change: ({ given }) => ({ role: given.role, updatedAt: E.now })
    }),
    setPassword: on.update({
      accepts: ["hashedPassword"],
      change: () => ({ updatedAt: E.now, failedSignIns: 0, lockedUntil: null })
    }),
    /** As core's file has it: the name there need not be a mail address. */
    configure: on.create({
      accepts: ["role", "hashedPassword", "configuredHash"],
      given: { email: Attribute.text(320) },
      change: ({ given }) => ({ email: E.lower(given.email) })
    }),
    reconfigure: on.update({
      accepts: ["role", "hashedPassword", "configuredHash"],
      change: () => ({ updatedAt: E.now, failedSignIns: 0, lockedUntil: null })
    }),
    signIn: on.update({
      change: ({ record }) => ({
        authenticatedAt: E.now,
        confirmedAt: E.coalesce(record.confirmedAt, E.now),
        failedSignIns: 0,
        lockedUntil: null
      })
    }),
    failSignIn: on.update({
      given: { failedSignIns: Attribute.integer, lockedUntil: Attribute.instant.optional() },
      change: ({ given }) => ({
        failedSignIns: given.failedSignIns,
        lockedUntil: given.lockedUntil,
        lastFailedAt: E.now
      })
    }),
    unlock: on.update({ change: () => ({ failedSignIns: 0, lockedUntil: null }) })
  }))
  .permits(({ actor, allow, record }) => [
    allow(["read"], isAnybody),
    allow(["create", "updateRole", "unlock"], E.and(mayGovern, isAdmin)),
    allow(["update"], E.and(mayGovern, E.or(isAdmin, E.equals(record.id, actor.id)))),
    allow(["setPassword", "configure", "reconfigure", "signIn", "failSignIn"], isSystem)
  ])
