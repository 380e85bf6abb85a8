/** A network interface of a device, as it was seen last. */
import { actor, bypass, isAnybody, isSystem } from "../../records/Actor.ts"
import * as Attribute from "../../resource/Attribute.ts"
import * as E from "../../resource/expression/Expression.ts"
import { belongsTo } from "../../resource/Relationship.ts"
import { declare } from "../../resource/Resource.ts"

const text = Attribute.text(1024).optional()
const number = Attribute.integer.optional()

const descriptive = [
  "timestamp",
  "agentId",
  "pollerId",
  "deviceIp",
  "ifName",
  "ifDescr",
  "ifAlias",
  "ifPhysAddress",
  "ifSpeed",
  "ipAddresses",
  "ifAdminStatus",
  "ifOperStatus"
] as const

/** As `ifAdminStatus` and `ifOperStatus` of the interfaces MIB have them. */
const up = 1
const down = 2
const testing = 3

export const Interface = declare({
  name: "interface",
  table: "device_interfaces",
  key: "id",
  tenant: "tenantId",
  // Its device's.
  partition: null,
  identities: { index: ["deviceId", "ifIndex"] },
  relationships: { device: belongsTo("device", "deviceId") },
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    deviceId: Attribute.text(255).immutable(),
    ifIndex: Attribute.integer.immutable(),
    timestamp: Attribute.instant.generated("now"),
    agentId: text,
    pollerId: text,
    deviceIp: text,
    ifName: text,
    ifDescr: text,
    ifAlias: text,
    ifPhysAddress: text,
    /** Bits per second. */
    ifSpeed: number,
    ipAddresses: Attribute.textList(256).or([]),
    ifAdminStatus: number,
    ifOperStatus: number,
    createdAt: Attribute.instant.generated("now").immutable()
  }
})
  .computes(({ record }) => {
    const nameOf = (status: typeof record.ifAdminStatus) =>
      E.choose<"up" | "down" | "testing" | "unknown">(
        [[E.equals(status, up), "up"], [E.equals(status, down), "down"], [E.equals(status, testing), "testing"]],
        "unknown"
      )
    const isGiven = (text: typeof record.ifAlias) => E.greaterThan(E.length(text), 0)
    return {
      adminStatusName: nameOf(record.ifAdminStatus),
      operStatusName: nameOf(record.ifOperStatus),
      statusColor: E.choose<"green" | "red" | "gray" | "yellow">(
        [
          [E.and(E.equals(record.ifAdminStatus, up), E.equals(record.ifOperStatus, up)), "green"],
          [E.and(E.equals(record.ifAdminStatus, up), E.equals(record.ifOperStatus, down)), "red"],
          [E.equals(record.ifAdminStatus, down), "gray"]
        ],
        "yellow"
      ),
      displayName: E.choose(
        [
          [isGiven(record.ifAlias), record.ifAlias],
          [isGiven(record.ifName), record.ifName],
          [isGiven(record.ifDescr), record.ifDescr]
        ],
        E.concat("if", E.digits(record.ifIndex))
      )
    }
  })
  .does((on) => ({
    read: on.read(),
    active: on.read(({ record }) => E.equals(record.ifOperStatus, up)),
    record: on.create({ accepts: ["deviceId", "ifIndex", ...descriptive] }),
    refresh: on.update({ accepts: descriptive })
  }))
  .permits(({ allow }) => [allow(["read", "active"], isAnybody), allow(["record", "refresh"], isSystem)])
