/** What somebody did or was not let do. Nobody changes it: it is written with what it is about. */
import { actor, bypass, isAdmin } from "../records/Actor.ts"
import * as Attribute from "../resource/Attribute.ts"
import { declare } from "../resource/Resource.ts"

export const AuditEntry = declare({
  name: "audit-entry",
  collection: "audit-entries",
  table: "audit_entries",
  key: "id",
  tenant: "tenantId",
  // Of records of all of them.
  partition: null,
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.integer,
    at: Attribute.instant,
    actorId: Attribute.text(),
    actorName: Attribute.text(),
    resource: Attribute.text(),
    action: Attribute.text(),
    recordKey: Attribute.text(),
    outcome: Attribute.oneOf(["done", "denied"]),
    reason: Attribute.text(),
    requestId: Attribute.text()
  }
})
  .does((on) => ({ read: on.read() }))
  .permits(({ allow }) => [allow(["read"], isAdmin)])
