/** Somebody who has signed in, with a browser or as a program: for a while, unless it is ended before. */
import { actor, bypass, bypassForGovernors, isAdmin, isAnybody, isSystem, mayGovern } from "../records/Actor.ts"
import * as Attribute from "../resource/Attribute.ts"
import * as E from "../resource/expression/Expression.ts"
import { declare } from "../resource/Resource.ts"

export const Session = declare({
  name: "session",
  table: "sessions",
  key: "id",
  tenant: "tenantId",
  identities: { tokenHash: ["tokenHash"] },
  actor,
  bypass,
  bypassForWrites: bypassForGovernors,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    userId: Attribute.uuid.immutable(),
    /** A program's shows access tokens, and gets new ones for its refresh token. */
    kind: Attribute.oneOf(["browser", "program"]).or("browser").immutable(),
    /** SHA-256 of what the cookie holds, or of the id of the refresh token, in lower-case hex. */
    tokenHash: Attribute.text(64).sensitive(),
    address: Attribute.text(64).immutable(),
    createdAt: Attribute.instant.generated("now").immutable(),
    expiresAt: Attribute.instant,
    endedAt: Attribute.instant.optional()
  }
})
  .computes(({ record }) => ({
    isValid: E.and(E.isNull(record.endedAt), E.greaterThan(record.expiresAt, E.now))
  }))
  .does((on) => ({
    read: on.read(),
    begin: on.create({ accepts: ["userId", "kind", "tokenHash", "address", "expiresAt"] }),
    /** What was shown for it before counts no more. */
    renew: on.update({
      accepts: ["tokenHash", "expiresAt"],
      require: ({ record }) => [["endedAt", E.isNull(record.endedAt), "has ended"]]
    }),
    end: on.update({ change: () => ({ endedAt: E.now }) })
  }))
  .permits(({ actor, allow, record }) => {
    const isOnes = E.or(isAdmin, isSystem, E.and(isAnybody, E.equals(record.userId, actor.id)))
    return [
      allow(["read"], isOnes),
      allow(["end"], E.and(mayGovern, isOnes)),
      allow(["begin", "renew"], isSystem)
    ]
  })
