/** A resource with everything that one can have. */
import { Attribute, declare, Expression as E } from "../../../src/services/resource/index.ts"

const actors = {
  tenantId: Attribute.uuid,
  name: Attribute.text(80),
  role: Attribute.oneOf(["viewer", "operator", "admin"]),
  isSuperUser: Attribute.boolean
}

export const Ticket = declare({
  name: "ticket",
  table: "tickets",
  key: "id",
  tenant: "tenantId",
  identities: { title: ["title"] },
  state: "state",
  actor: actors,
  bypass: (actor) => E.equals(actor.isSuperUser, true),
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    title: Attribute.text(20),
    owner: Attribute.text(80).optional(),
    state: Attribute.oneOf(["open", "held", "closed"]).or("open"),
    priority: Attribute.integer.or(3),
    openedAt: Attribute.instant.generated("now").immutable(),
    closedAt: Attribute.instant.optional(),
    reason: Attribute.text(80).optional().column("why")
  }
})
  .computes(({ record }) => ({
    isLate: E.and(E.differs(record.state, "closed"), E.lessThan(record.openedAt, E.ago("2 days")))
  }))
  .does((on) => ({
    read: on.read(),
    mine: on.read(({ actor, record }) => E.equals(record.owner, actor.name)),
    open: on.create({
      accepts: ["title", "owner", "priority"],
      require: ({ record }) => [
        ["title", E.greaterThan(E.length(record.title), 0), "must not be empty"],
        ["priority", E.and(E.atLeast(record.priority, 1), E.atMost(record.priority, 5)), "must be 1 to 5"]
      ]
    }),
    rename: on.update({ accepts: ["title", "owner", "openedAt"] }),
    hold: on.update({ from: ["open"], to: "held" }),
    close: on.update({
      given: { reason: Attribute.text(80), at: Attribute.instant.optional() },
      from: ["open", "held"],
      to: "closed",
      change: ({ given }) => ({ reason: given.reason, closedAt: E.coalesce(given.at, E.now) })
    }),
    reopen: on.update({ from: ["closed"], to: "open", change: () => ({ closedAt: null, reason: null }) }),
    move: on.update({ given: { to: Attribute.uuid }, change: ({ given }) => ({ tenantId: given.to }) }),
    remove: on.destroy
  }))
  .permits(({ actor, allow, record }) => [
    allow(["read", "mine"], E.oneOf(actor.role, ["viewer", "operator", "admin"])),
    allow(["open", "hold", "rename", "move"], E.oneOf(actor.role, ["operator", "admin"])),
    allow(["close"], E.and(E.equals(actor.role, "operator"), E.equals(record.owner, actor.name))),
    allow(["close", "reopen", "remove"], E.equals(actor.role, "admin"))
  ])

export const tenants = ["0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10", "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"] as const

export const ada = { tenantId: tenants[0], name: "Ada", role: "admin", isSuperUser: false } as const
export const olga = { ...ada, name: "Olga", role: "operator" } as const
export const vera = { ...ada, name: "Vera", role: "viewer" } as const
export const stranger = { ...ada, tenantId: tenants[1] } as const
export const root = { ...ada, tenantId: tenants[1], isSuperUser: true } as const
