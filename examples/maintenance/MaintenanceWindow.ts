/**
 * A resource of one's own in the control plane: when something is worked on, and nobody is to be woken. With its migration
 * beside it this file is all there is to it.
 */
import { actor, bypass, isAdmin, isAnybody, isOperator } from "../../src/domain/records/Actor.ts"
import { Attribute, declare, Expression as E } from "../../src/services/resource/index.ts"

export const MaintenanceWindow = declare({
  name: "maintenance-window",
  table: "maintenance_windows",
  key: "id",
  tenant: "tenantId",
  identities: { title: ["title"] },
  state: "state",
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    title: Attribute.text(200),
    state: Attribute.oneOf(["planned", "running", "over", "called_off"]).or("planned"),
    beginsAt: Attribute.instant,
    endsAt: Attribute.instant,
    startedBy: Attribute.text(320).optional(),
    note: Attribute.text(2000).optional()
  }
})
  .computes(({ record }) => ({
    isLate: E.and(E.equals(record.state, "running"), E.lessThan(record.endsAt, E.now))
  }))
  .does((on) => ({
    read: on.read(),
    running: on.read(({ record }) => E.equals(record.state, "running")),
    plan: on.create({
      accepts: ["title", "beginsAt", "endsAt"],
      require: ({ record }) => [["endsAt", E.greaterThan(record.endsAt, record.beginsAt), "must be after it begins"]]
    }),
    start: on.update({ from: ["planned"], to: "running", change: ({ actor }) => ({ startedBy: actor.name }) }),
    finish: on.update({ accepts: ["note"], from: ["running"], to: "over" }),
    callOff: on.update({ from: ["planned"], to: "called_off" })
  }))
  .permits(({ actor, allow, record }) => [
    allow(["read", "running"], isAnybody),
    allow(["plan", "start", "callOff"], isOperator),
    allow(["finish"], E.or(isAdmin, E.equals(record.startedBy, actor.name)))
  ])
