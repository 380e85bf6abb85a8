/**
 * A resource declared once: its states, a policy and a calculation, decided in memory and written as SQL.
 *
 *   node examples/ticket-resource.ts
 */
import { DateTime, Result } from "effect"
// In your own project: from "serviceradar-effect/resource"
import { allowed, Attribute, decide, declare, Expression as E, toSql } from "../src/services/resource/index.ts"

const actors = { tenantId: Attribute.uuid, name: Attribute.text(80), role: Attribute.oneOf(["viewer", "operator"]) }

const Ticket = declare({
  name: "ticket",
  table: "tickets",
  key: "id",
  tenant: "tenantId",
  state: "state",
  actor: actors,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    title: Attribute.text(200),
    state: Attribute.oneOf(["open", "closed"]).or("open"),
    openedAt: Attribute.instant.generated("now").immutable(),
    closedBy: Attribute.text(80).optional(),
    reason: Attribute.text(500).optional()
  }
})
  .computes(({ record }) => ({
    isLate: E.and(E.equals(record.state, "open"), E.lessThan(record.openedAt, E.ago("2 days")))
  }))
  .does((on) => ({
    read: on.read(),
    open: on.create({ accepts: ["title"] }),
    close: on.update({
      given: { reason: Attribute.text(500) },
      from: ["open"],
      to: "closed",
      change: ({ actor, given }) => ({ closedBy: actor.name, reason: given.reason }),
      require: ({ record }) => [["reason", E.greaterThan(E.length(record.reason), 3), "says too little"]]
    })
  }))
  .permits(({ actor, allow, record }) => [
    allow(["read"], E.oneOf(actor.role, ["viewer", "operator"])),
    allow(["open"], E.equals(actor.role, "operator")),
    allow(["close"], E.and(E.equals(actor.role, "operator"), E.not(E.startsWith(record.title, "legal:"))))
  ])

const now = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
const tenantId = "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"
const uuid = () => "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"
const ada = { tenantId, name: "Ada", role: "operator" } as const

const show = <A>(result: Result.Result<A, Error>) =>
  console.log(
    Result.match(result, { onFailure: ({ message }) => message, onSuccess: (record) => JSON.stringify(record) })
  )

const opened = decide(Ticket, "open", null, { actor: ada, input: { title: "Rack 4 is hot" }, now, uuid })
show(opened)

const ticket = Result.getOrThrow(opened)
if (ticket !== null) {
  show(decide(Ticket, "close", ticket, { actor: ada, input: { reason: "ok" }, now, uuid }))
  const closed = decide(Ticket, "close", ticket, { actor: ada, input: { reason: "Fan replaced" }, now, uuid })
  show(Result.map(closed, (record) => record?.closedBy))
  show(decide(Ticket, "close", { ...ticket, state: "closed" }, { actor: ada, input: { reason: "Again" }, now, uuid }))
  show(decide(Ticket, "close", ticket, { actor: { ...ada, role: "viewer" }, input: { reason: "Fan" }, now, uuid }))
}

const late = E.and(allowed(Ticket, "read"), Ticket.calculations.isLate)
const { binds, text } = toSql(Ticket, late, { actor: ada, arguments: {}, now })
console.log(text)
console.log(JSON.stringify(binds.map(({ v }) => v)))
