/** What tells a device from all others of its partition: an id of a source, or a MAC address. */
import { actor, bypass, isAnybody, isOperator } from "../../records/Actor.ts"
import * as Attribute from "../../resource/Attribute.ts"
import * as E from "../../resource/expression/Expression.ts"
import { belongsTo } from "../../resource/Relationship.ts"
import { declare } from "../../resource/Resource.ts"
import { strongTypes } from "./Sighting.ts"

export const DeviceIdentifier = declare({
  name: "device-identifier",
  table: "device_identifiers",
  key: "id",
  tenant: "tenantId",
  partition: "partition",
  identities: { value: ["partition", "identifierType", "identifierValue"] },
  relationships: { device: belongsTo("device", "deviceId") },
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    deviceId: Attribute.text(255),
    identifierType: Attribute.oneOf([...strongTypes, "ip"]).immutable(),
    identifierValue: Attribute.text(1024).immutable(),
    partition: Attribute.text(256).or("default").immutable(),
    confidence: Attribute.oneOf(["strong", "medium", "weak"]).or("strong"),
    source: Attribute.text(256).optional(),
    firstSeen: Attribute.instant.generated("now").immutable(),
    lastSeen: Attribute.instant.generated("now"),
    verified: Attribute.boolean.or(false)
  }
})
  .does((on) => ({
    read: on.read(),
    register: on.create({
      accepts: ["deviceId", "identifierType", "identifierValue", "partition", "confidence", "source"],
      require: ({ record }) => [
        ["identifierValue", E.greaterThan(E.length(record.identifierValue), 0), "must not be empty"]
      ]
    }),
    touch: on.update({ change: () => ({ lastSeen: E.now }) }),
    verify: on.update({ change: () => ({ verified: true }) }),
    /** To the device that its device turned out to be. */
    move: on.update({ accepts: ["deviceId"] })
  }))
  .permits(({ allow }) => [
    allow(["read"], isAnybody),
    allow(["register", "touch", "verify", "move"], isOperator)
  ])
