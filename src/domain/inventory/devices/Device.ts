/**
 * What is on the network, as the OCSF 1.7 object `device`: discovered, identified once something else than its address is
 * known, managed by decision, and decommissioned.
 */
import { actor, bypass, isAdmin, isAnybody, isOperator, isSystem } from "../../records/Actor.ts"
import * as Attribute from "../../resource/Attribute.ts"
import * as E from "../../resource/expression/Expression.ts"
import { belongsTo, hasMany } from "../../resource/Relationship.ts"
import { declare } from "../../resource/Resource.ts"

const text = Attribute.text(1024).optional()
const number = Attribute.smallInteger.optional()

const descriptive = [
  "typeId",
  "deviceType",
  "name",
  "hostname",
  "ip",
  "mac",
  "uidAlt",
  "vendorName",
  "model",
  "domain",
  "zone",
  "subnetUid",
  "vlanUid",
  "region",
  "riskLevelId",
  "riskLevel",
  "riskScore",
  "isManaged",
  "isCompliant",
  "isTrusted",
  "isAvailable",
  "partitionId",
  "groupId"
] as const

/** What stands in an address in place of a key: steps, and reads with a name. */
const unreachable = [".", "..", "available", "recently-seen"]

/** What a sighting says of it. */
const sighted = [
  "hostname",
  "ip",
  "mac",
  "partitionId",
  "pollerId",
  "agentId",
  "isAvailable",
  "discoverySources",
  "lastSeenTime"
] as const

export const Device = declare({
  name: "device",
  table: "devices",
  key: "uid",
  tenant: "tenantId",
  partition: "partitionId",
  state: "lifecycle",
  relationships: {
    group: belongsTo("device-group", "groupId"),
    interfaces: hasMany("interface", "deviceId"),
    identifiers: hasMany("device-identifier", "deviceId"),
    aliases: hasMany("device-alias-state", "deviceId")
  },
  actor,
  bypass,
  attributes: {
    tenantId: Attribute.uuid.private(),
    uid: Attribute.text(255).generated("uuid"),
    lifecycle: Attribute.oneOf(["discovered", "identified", "managed", "decommissioned"]).or("discovered"),
    typeId: Attribute.smallInteger.or(0),
    deviceType: text.column("type"),
    name: text,
    hostname: text,
    ip: text,
    mac: text,
    uidAlt: text,
    vendorName: text,
    model: text,
    domain: text,
    zone: text,
    subnetUid: text,
    vlanUid: text,
    region: text,
    firstSeenTime: Attribute.instant.generated("now").immutable(),
    lastSeenTime: Attribute.instant.generated("now"),
    createdTime: Attribute.instant.generated("now").immutable(),
    modifiedTime: Attribute.instant.generated("now"),
    riskLevelId: number,
    riskLevel: text,
    riskScore: number,
    isManaged: Attribute.boolean.or(false),
    isCompliant: Attribute.boolean.optional(),
    isTrusted: Attribute.boolean.or(false),
    isAvailable: Attribute.boolean.or(true),
    pollerId: text,
    agentId: text,
    discoverySources: Attribute.textList(64).or([]),
    partitionId: text,
    groupId: Attribute.uuid.optional()
  }
})
  .computes(({ record }) => ({
    displayName: E.coalesce(record.hostname, record.name, record.ip, record.uid),
    statusColor: E.choose<"green" | "yellow" | "red">(
      [
        [E.equals(record.isAvailable, true), "green"],
        [E.greaterThan(record.lastSeenTime, E.ago("1 hour")), "yellow"]
      ],
      "red"
    ),
    isStale: E.lessThan(record.lastSeenTime, E.ago("24 hours"))
  }))
  .does((on) => {
    const change = () => ({ modifiedTime: E.now })
    return {
      read: on.read(),
      available: on.read(({ record }) => E.equals(record.isAvailable, true)),
      recentlySeen: on.read(({ record }) => E.greaterThan(record.lastSeenTime, E.ago("1 hour"))),
      create: on.create({
        given: { uid: Attribute.text(255).optional() },
        accepts: descriptive,
        change: ({ given, record }) => ({ uid: E.coalesce(given.uid, E.concat("sr:", record.uid)) }),
        require: ({ actor, given, record }) => [
          ["uid", E.greaterThan(E.length(record.uid), 0), "must not be empty"],
          // No address would lead to it.
          ["uid", E.not(E.oneOf(record.uid, unreachable)), "is the name of something else in addresses"],
          // One that is taken would tell of a device in another partition.
          ["uid", E.or(E.isNull(actor.partitionId), E.isNull(given.uid)), "is not chosen within a partition"]
        ]
      }),
      update: on.update({ accepts: descriptive, change }),
      discover: on.create({ accepts: ["uid", "firstSeenTime", ...sighted] }),
      refresh: on.update({ accepts: sighted, change }),
      touch: on.update({ change: () => ({ lastSeenTime: E.now }) }),
      setAvailability: on.update({ accepts: ["isAvailable"], change }),
      identify: on.update({ from: ["discovered"], to: "identified", change }),
      manage: on.update({
        from: ["identified"],
        to: "managed",
        change: () => ({ isManaged: true, modifiedTime: E.now })
      }),
      decommission: on.update({
        from: ["discovered", "identified", "managed"],
        to: "decommissioned",
        change: () => ({ isManaged: false, modifiedTime: E.now })
      }),
      destroy: on.destroy
    }
  })
  .permits(({ allow }) => [
    allow(["read", "available", "recentlySeen"], isAnybody),
    allow(["create", "update", "touch", "setAvailability", "identify", "manage", "decommission"], isOperator),
    allow(["discover", "refresh"], isSystem),
    allow(["destroy"], isAdmin)
  ])
