/** Devices that belong together: a place, a department, an environment, a function. */
import { actor, bypass, isAdmin, isAnybody, isOperator } from "../../records/Actor.ts"
import * as Attribute from "../../resource/Attribute.ts"
import * as E from "../../resource/expression/Expression.ts"
import { belongsTo, hasMany } from "../../resource/Relationship.ts"
import { declare } from "../../resource/Resource.ts"

const kinds = ["location", "department", "environment", "function", "custom"] as const

export const DeviceGroup = declare({
  name: "device-group",
  table: "device_groups",
  key: "id",
  tenant: "tenantId",
  identities: { name: ["name"] },
  relationships: {
    parent: belongsTo("device-group", "parentId"),
    children: hasMany("device-group", "parentId"),
    devices: hasMany("device", "groupId")
  },
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    name: Attribute.text(255),
    desc: Attribute.text(2000).optional(),
    groupType: Attribute.oneOf(kinds).or("custom").column("type"),
    parentId: Attribute.uuid.optional(),
    createdAt: Attribute.instant.generated("now").immutable(),
    updatedAt: Attribute.instant.generated("now")
  }
})
  .computes(({ record }) => ({
    displayName: E.choose(
      [[E.greaterThan(E.length(record.desc), 0), E.concat(record.name, " - ", record.desc)]],
      record.name
    )
  }))
  .does((on) => {
    const accepts = ["name", "desc", "groupType", "parentId"] as const
    return {
      read: on.read(),
      rootGroups: on.read(({ record }) => E.isNull(record.parentId)),
      create: on.create({
        accepts,
        require: ({ record }) => [["name", E.greaterThan(E.length(record.name), 0), "must not be empty"]]
      }),
      update: on.update({ accepts, change: () => ({ updatedAt: E.now }) }),
      destroy: on.destroy
    }
  })
  .permits(({ allow }) => [
    allow(["read", "rootGroups"], isAnybody),
    allow(["create", "update"], isOperator),
    allow(["destroy"], isAdmin)
  ])
