/**
 * What a check of type `snmp` says: its targets, and of those whose tables of interfaces it walks, these.
 *
 * A column of the table is known by the name that the interfaces MIB has for it, `ifName` and so on; what a walk tells is
 * named `ifName.3`, by the index of the interface.
 */
import { Option, Schema } from "effect"
import * as IpAddress from "../../monitoring/IpAddress.ts"
import type { ReportedStatus } from "../../monitoring/reports/StatusReport.ts"
import { addressOf, collectorOf, first, parseJson, type Report, sightingOf } from "./ReportedHost.ts"
import type { SeenInterface, Sighting } from "./Sighting.ts"

const interfacesMax = 4096

const OidStatus = Schema.Struct({ last_value: Schema.optionalKey(Schema.Unknown) })

const Target = Schema.Struct({
  available: Schema.Boolean,
  host_ip: Schema.optionalKey(Schema.String),
  host_name: Schema.optionalKey(Schema.String),
  oid_status: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, OidStatus)))
})
type Target = typeof Target.Type

/** A Go poller adds keys of its own, which are no targets. */
const Targets = Schema.Record(Schema.String, Schema.Unknown)
const decodeTargets = Schema.decodeUnknownOption(Targets)
const decodeTarget = Schema.decodeUnknownOption(Target)

type Said = Partial<SeenInterface>

const ofText = (make: (text: string) => Said) => (value: unknown): Said =>
  typeof value === "string" && value !== "" ? make(value) : {}

const ofNumber = (make: (number: number) => Said) => (value: unknown): Said =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? make(value) : {}

const megabit = 1_000_000

/** In this order: of two speeds the later is right. */
const columns: Readonly<Record<string, (value: unknown) => Said>> = {
  ifName: ofText((ifName) => ({ ifName })),
  ifDescr: ofText((ifDescr) => ({ ifDescr })),
  ifAlias: ofText((ifAlias) => ({ ifAlias })),
  ifPhysAddress: ofText((ifPhysAddress) => ({ ifPhysAddress })),
  ifSpeed: ofNumber((ifSpeed) => ({ ifSpeed })),
  // Megabits per second, of those for which the other has too few digits; else 0.
  ifHighSpeed: ofNumber((speed) => speed === 0 ? {} : { ifSpeed: speed * megabit }),
  ifAdminStatus: ofNumber((ifAdminStatus) => ({ ifAdminStatus })),
  ifOperStatus: ofNumber((ifOperStatus) => ({ ifOperStatus }))
}

const interfacesOf = ({ oid_status }: Target): ReadonlyArray<SeenInterface> => {
  const found = new Map<number, SeenInterface>()
  for (const [column, read] of Object.entries(columns)) {
    for (const [name, { last_value }] of Object.entries(oid_status ?? {})) {
      const [, own, index = ""] = /^([A-Za-z]+)\.(\d{1,10})$/.exec(name) ?? []
      if (own !== column) continue
      const ifIndex = Number(index)
      if (!found.has(ifIndex) && found.size >= interfacesMax) continue
      found.set(ifIndex, { ...found.get(ifIndex) ?? { ifIndex }, ...read(last_value) })
    }
  }
  return [...found.values()]
}

export const ofTargets = (report: Report, status: ReportedStatus): ReadonlyArray<Sighting> =>
  Object.entries(Option.getOrElse(decodeTargets(parseJson(status.message)), () => ({}))).flatMap(([, given]) => {
    const target = Option.getOrUndefined(decodeTarget(given))
    if (target === undefined) return []
    const { available, host_ip = "", host_name = "" } = target
    const ip = first(addressOf(host_ip), addressOf(host_name))
    if (ip === "") return []
    const interfaces = available ? interfacesOf(target) : []
    const aliases = available ? collectorOf(report, ip) : []
    return [{
      ...sightingOf(report, status, {
        ip,
        hostname: Option.isSome(IpAddress.parse(host_name)) ? "" : host_name,
        // It may not answer us by SNMP, and be there.
        isAvailable: available ? true : undefined,
        isProof: available,
        source: status.serviceType
      }),
      ...(interfaces.length === 0 ? {} : { interfaces }),
      ...(aliases.length === 0 ? {} : { aliases })
    }]
  })
