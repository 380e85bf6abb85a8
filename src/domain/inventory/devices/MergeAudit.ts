/** That one device turned out to be another. */
import { actor, bypass, isAnybody, isOperator } from "../../records/Actor.ts"
import * as Attribute from "../../resource/Attribute.ts"
import * as E from "../../resource/expression/Expression.ts"
import { belongsTo } from "../../resource/Relationship.ts"
import { declare } from "../../resource/Resource.ts"

export const MergeAudit = declare({
  name: "merge-audit",
  table: "merge_audits",
  key: "eventId",
  tenant: "tenantId",
  // Its devices'.
  partition: null,
  relationships: { fromDevice: belongsTo("device", "fromDeviceId"), toDevice: belongsTo("device", "toDeviceId") },
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    eventId: Attribute.uuid.generated("uuid"),
    fromDeviceId: Attribute.text(255).immutable(),
    toDeviceId: Attribute.text(255).immutable(),
    reason: Attribute.text(1024).optional(),
    confidenceScore: Attribute.float.optional(),
    source: Attribute.text(256).optional(),
    createdAt: Attribute.instant.generated("now").immutable()
  }
})
  .does((on) => ({
    read: on.read(),
    record: on.create({
      accepts: ["fromDeviceId", "toDeviceId", "reason", "confidenceScore", "source"],
      require: ({ record }) => [
        ["toDeviceId", E.differs(record.fromDeviceId, record.toDeviceId), "must be another device"]
      ]
    })
  }))
  .permits(({ allow }) => [allow(["read"], isAnybody), allow(["record"], isOperator)])
