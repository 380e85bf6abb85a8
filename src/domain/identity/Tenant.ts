/** An organisation, whose records no other one's people see. */
import { actor, bypass, bypassForGovernors, isAdmin, isAnybody, mayGovern } from "../records/Actor.ts"
import * as Attribute from "../resource/Attribute.ts"
import * as E from "../resource/expression/Expression.ts"
import { declare } from "../resource/Resource.ts"

/** Of whoever has no other: the first sign-in, and statuses of pollers. */
export const defaultTenantId = "00000000-0000-0000-0000-000000000000"

export const Tenant = declare({
  name: "tenant",
  table: "tenants",
  key: "id",
  identities: { slug: ["slug"] },
  actor,
  bypass,
  bypassForWrites: bypassForGovernors,
  attributes: {
    id: Attribute.uuid.generated("uuid"),
    name: Attribute.text(255),
    slug: Attribute.shortName(63),
    status: Attribute.oneOf(["active", "suspended", "pending", "deleted"]).or("active"),
    plan: Attribute.oneOf(["free", "pro", "enterprise"]).or("free"),
    maxDevices: Attribute.integer.or(100),
    maxUsers: Attribute.integer.or(5),
    contactEmail: Attribute.text(320).optional(),
    contactName: Attribute.text(255).optional(),
    insertedAt: Attribute.instant.generated("now").immutable(),
    updatedAt: Attribute.instant.generated("now")
  },
  state: "status"
})
  .reveals(({ only }) => [only(["contactEmail", "contactName"], isAdmin)])
  .computes(({ record }) => ({
    displayStatus: E.choose(
      [
        [E.equals(record.status, "active"), "Active"],
        [E.equals(record.status, "suspended"), "Suspended"],
        [E.equals(record.status, "pending"), "Pending"]
      ],
      "Deleted"
    )
  }))
  .does((on) => ({
    read: on.read(),
    create: on.create({
      given: { id: Attribute.uuid.optional() },
      accepts: ["name", "slug", "plan", "maxDevices", "maxUsers", "contactEmail", "contactName"],
      change: ({ given, record }) => ({ id: E.coalesce(given.id, record.id) }),
      require: ({ record }) => [
        ["name", E.greaterThan(E.length(record.name), 0), "must not be empty"],
        ["slug", E.greaterThan(E.length(record.slug), 0), "must not be empty"]
      ]
    }),
    update: on.update({ accepts: ["name", "contactEmail", "contactName"], change: () => ({ updatedAt: E.now }) }),
    upgradePlan: on.update({ accepts: ["plan", "maxDevices", "maxUsers"], change: () => ({ updatedAt: E.now }) }),
    suspend: on.update({ from: ["active", "pending"], to: "suspended", change: () => ({ updatedAt: E.now }) }),
    activate: on.update({ from: ["suspended", "pending"], to: "active", change: () => ({ updatedAt: E.now }) }),
    softDelete: on.update({
      from: ["active", "suspended", "pending"],
      to: "deleted",
      change: () => ({ updatedAt: E.now })
    })
  }))
  .permits(({ actor, allow, record }) => [
    allow(["read"], E.and(isAnybody, E.equals(record.id, actor.tenantId))),
    allow(["update"], E.and(mayGovern, isAdmin, E.equals(record.id, actor.tenantId)))
  ])
