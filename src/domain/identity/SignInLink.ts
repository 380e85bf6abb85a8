/** A link with which one user signs in once: sent by mail, or printed by a command of the machine. */
import { actor, bypass, bypassForGovernors, isAdmin, isSystem } from "../records/Actor.ts"
import * as Attribute from "../resource/Attribute.ts"
import * as E from "../resource/expression/Expression.ts"
import { declare } from "../resource/Resource.ts"

export const minutes = 15

export const SignInLink = declare({
  name: "sign-in-link",
  table: "sign_in_links",
  key: "id",
  tenant: "tenantId",
  identities: { tokenHash: ["tokenHash"] },
  state: "state",
  actor,
  bypass,
  bypassForWrites: bypassForGovernors,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    userId: Attribute.uuid.immutable(),
    /** `ended` with the password that was changed before it was used. */
    state: Attribute.oneOf(["open", "used", "ended"]).or("open"),
    /** SHA-256 of what the link holds, in lower-case hex. */
    tokenHash: Attribute.text(64).sensitive().immutable(),
    /** Who asked for it: an address, or a command. */
    origin: Attribute.text(64).immutable(),
    createdAt: Attribute.instant.generated("now").immutable(),
    expiresAt: Attribute.instant.immutable(),
    usedAt: Attribute.instant.optional()
  }
})
  .does((on) => ({
    read: on.read(),
    make: on.create({ accepts: ["userId", "tokenHash", "origin", "expiresAt"] }),
    end: on.update({ from: ["open"], to: "ended" }),
    use: on.update({
      from: ["open"],
      to: "used",
      change: () => ({ usedAt: E.now }),
      require: ({ record }) => [["expiresAt", E.greaterThan(record.expiresAt, E.now), "is over"]]
    })
  }))
  .permits(({ allow }) => [
    allow(["read"], E.or(isAdmin, isSystem)),
    allow(["make", "use", "end"], isSystem)
  ])
