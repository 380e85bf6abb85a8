/** Another address or name by which a device is known: detected, confirmed once it was seen often enough, and outlived. */
import { actor, bypass, isAnybody, isOperator, isSystem } from "../../records/Actor.ts"
import * as Attribute from "../../resource/Attribute.ts"
import * as E from "../../resource/expression/Expression.ts"
import { belongsTo } from "../../resource/Relationship.ts"
import { declare } from "../../resource/Resource.ts"
import { aliasTypes } from "./Sighting.ts"

/** Sightings that make an alias certain. */
export const sightingsMin = 3

export const DeviceAliasState = declare({
  name: "device-alias-state",
  table: "device_alias_states",
  key: "id",
  tenant: "tenantId",
  partition: "partition",
  state: "state",
  identities: { alias: ["deviceId", "aliasType", "aliasValue"] },
  relationships: { device: belongsTo("device", "deviceId") },
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    deviceId: Attribute.text(255).immutable(),
    partition: Attribute.text(256).optional(),
    aliasType: Attribute.oneOf(aliasTypes).immutable(),
    aliasValue: Attribute.text(1024).immutable(),
    state: Attribute.oneOf(["detected", "confirmed", "updated", "stale", "replaced", "archived"]).or("detected"),
    firstSeenAt: Attribute.instant.generated("now").immutable(),
    lastSeenAt: Attribute.instant.generated("now"),
    sightingCount: Attribute.integer.or(1),
    previousAliasId: Attribute.uuid.optional(),
    replacedByAliasId: Attribute.uuid.optional()
  }
})
  .does((on) => ({
    read: on.read(),
    detect: on.create({
      accepts: ["deviceId", "partition", "aliasType", "aliasValue", "previousAliasId", "firstSeenAt", "lastSeenAt"]
    }),
    recordSighting: on.update({
      accepts: ["sightingCount", "lastSeenAt"],
      require: ({ record }) => [["sightingCount", E.greaterThan(record.sightingCount, 0), "must be 1 or more"]]
    }),
    confirm: on.update({
      from: ["detected"],
      to: "confirmed",
      require: ({ record }) => [
        ["sightingCount", E.atLeast(record.sightingCount, sightingsMin), `must be ${sightingsMin} or more`]
      ]
    }),
    markUpdated: on.update({ from: ["detected", "confirmed"], to: "updated" }),
    markStale: on.update({ from: ["detected", "confirmed", "updated"], to: "stale" }),
    reactivate: on.update({ from: ["stale"], to: "confirmed", change: () => ({ lastSeenAt: E.now }) }),
    /** One that somebody else had, or that was long gone. */
    detectAgain: on.update({
      accepts: ["sightingCount", "lastSeenAt"],
      from: ["replaced", "archived"],
      to: "detected"
    }),
    replace: on.update({
      accepts: ["replacedByAliasId"],
      from: ["detected", "confirmed", "updated", "stale"],
      to: "replaced"
    }),
    archive: on.update({ from: ["stale", "replaced"], to: "archived" })
  }))
  .permits(({ allow }) => [
    allow(["read"], isAnybody),
    allow(["detect", "detectAgain", "recordSighting"], isSystem),
    allow(["confirm", "markUpdated", "markStale", "reactivate", "replace", "archive"], isOperator)
  ])
