/**
 * What a report says of devices: the hosts that checks asked, those of sweeps, the inventories of sources, and what was asked
 * or discovered by SNMP, with its interfaces.
 *
 * A check names its host in `host_ip` and `hostname`, as pollers add them. A loopback address is the machine of the agent
 * itself: a device of its own, whose id nobody else's loopback has. A host of which no check has ever heard anything is no
 * device yet, nor is a poller; what is at the address from which it reports is known by it.
 */
import { Option, Schema } from "effect"
import type { ReportedStatus } from "../../monitoring/reports/StatusReport.ts"
import * as ServiceKinds from "../../monitoring/ServiceKinds.ts"
import * as DiscoverySightings from "./DiscoverySightings.ts"
import {
  addressOf,
  collectorOf,
  first,
  isLoopback,
  parseJson,
  type Report,
  sightingOf,
  textOf
} from "./ReportedHost.ts"
import * as SaidAliases from "./SaidAliases.ts"
import { ranked, type Sighting } from "./Sighting.ts"
import * as SnmpSightings from "./SnmpSightings.ts"

const Said = Schema.Struct({
  host_ip: Schema.optionalKey(Schema.Unknown),
  ip: Schema.optionalKey(Schema.Unknown),
  host_name: Schema.optionalKey(Schema.Unknown),
  hostname: Schema.optionalKey(Schema.Unknown),
  host_id: Schema.optionalKey(Schema.Unknown),
  status: Schema.optionalKey(Schema.Unknown)
})

const Swept = Schema.Struct({
  hosts: Schema.Array(Schema.Struct({ host: Schema.String, available: Schema.Boolean }))
})

const Update = Schema.Struct({
  device_id: Schema.optionalKey(Schema.String),
  ip: Schema.String,
  source: Schema.optionalKey(Schema.String),
  partition: Schema.optionalKey(Schema.String),
  hostname: Schema.optionalKey(Schema.NullOr(Schema.String)),
  mac: Schema.optionalKey(Schema.NullOr(Schema.String)),
  metadata: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))
})

const decodeSwept = Schema.decodeUnknownOption(Swept)
const decodeUpdate = Schema.decodeUnknownOption(Update)
const decodeSaid = Schema.decodeUnknownOption(Said)

const ofCheck = (report: Report, status: ReportedStatus): ReadonlyArray<Sighting> => {
  const said = Option.getOrUndefined(decodeSaid(parseJson(status.message)))
  if (said === undefined) return []
  const inner = Option.getOrUndefined(decodeSaid(said.status)) ?? {}
  const ip = addressOf(first(textOf(said.host_ip), textOf(said.ip), textOf(inner.host_ip), textOf(inner.ip)))
  const name = first(
    textOf(inner.host_id),
    textOf(said.hostname),
    textOf(said.host_name),
    textOf(inner.hostname),
    textOf(inner.host_name)
  )
  if (ip === "") return []
  const collector = status.available && !isLoopback(ip) ? collectorOf(report, ip) : []
  const kind = ServiceKinds.kindOf(status.serviceType)
  return [{
    ...sightingOf(report, status, {
      ip,
      // On a loopback address other names are those of the check's target, not of the machine.
      hostname: isLoopback(ip) ? textOf(inner.host_id) : name === ip ? "" : name,
      // A port that is closed says nothing of its host; an echo that does not come back does.
      isAvailable: status.available ? true : kind.sweeps === "ping" ? false : undefined,
      isProof: status.available,
      source: status.serviceType
    }),
    ...(collector.length === 0 ? {} : { aliases: collector })
  }]
}

const ofSweep = (report: Report, status: ReportedStatus): ReadonlyArray<Sighting> =>
  Option.match(decodeSwept(parseJson(status.message)), {
    onNone: () => [],
    onSome: ({ hosts }) =>
      hosts.flatMap(({ available, host }) => {
        const ip = addressOf(host)
        return ip === "" ? [] : [
          sightingOf(report, status, {
            ip,
            hostname: "",
            isAvailable: available,
            isProof: available,
            source: status.serviceType
          })
        ]
      })
  })

const ofUpdate = (report: Report, status: ReportedStatus, given: unknown): ReadonlyArray<Sighting> =>
  Option.match(decodeUpdate(given), {
    onNone: () => [],
    onSome: ({ device_id = "", hostname, ip, mac, metadata, partition = "", source = "" }) => {
      const meta = metadata ?? {}
      const armis = textOf(meta["armis_device_id"])
      const netbox = textOf(meta["netbox_device_id"])
      const integration = armis === "" && netbox === "" ? textOf(meta["integration_id"]) : ""
      const aliases = SaidAliases.ofMetadata(meta, report.reportedAt)
      return [{
        ...sightingOf(report, status, {
          ip: addressOf(ip),
          hostname: hostname ?? "",
          isAvailable: undefined,
          isProof: true,
          source: first(source, status.serviceType)
        }),
        partition: first(partition, report.partition),
        uid: device_id.startsWith("sr:") || device_id.startsWith("serviceradar:") ? device_id : "",
        mac: mac ?? "",
        identifiers: ranked({
          armis_device_id: armis,
          integration_id: integration,
          netbox_device_id: netbox,
          mac: mac ?? ""
        }),
        ...(aliases.length === 0 ? {} : { aliases })
      }]
    }
  })

const ofInventory = (report: Report, status: ReportedStatus): ReadonlyArray<Sighting> => {
  const list = parseJson(status.message)
  return Array.isArray(list) ? list.flatMap((given: unknown) => ofUpdate(report, status, given)) : []
}

/** Of the poller itself. */
export const ofPoller = (report: Report): ReadonlyArray<Sighting> => {
  const ip = addressOf(report.sourceIp)
  if (ip === "" || isLoopback(ip)) return []
  return [{
    ...sightingOf(report, { agentId: "" }, {
      ip,
      hostname: "",
      isAvailable: undefined,
      isProof: false,
      source: "poller"
    }),
    uid: `serviceradar:poller:${report.pollerId}`
  }]
}

/** Of one status of a report. */
export const ofStatus = (report: Report, status: ReportedStatus): ReadonlyArray<Sighting> => {
  switch (ServiceKinds.resultsOf(status)) {
    case "inventory":
      return ofInventory(report, status)
    case "sweep":
      return ofSweep(report, status)
    default:
      break
  }
  switch (ServiceKinds.kindOf(status.serviceType).tells) {
    case "targets":
      return SnmpSightings.ofTargets(report, status)
    case "network":
      return DiscoverySightings.ofNetwork(report, status)
    default:
      return ofCheck(report, status)
  }
}
