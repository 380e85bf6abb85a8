/**
 * What the mapper discovered of a network: its devices, and their interfaces, each of which names its device by an address.
 *
 * Either list may be missing or null, as while it is at work. A device of which only interfaces are told is one as well.
 */
import { Option, Schema } from "effect"
import type { ReportedStatus } from "../../monitoring/reports/StatusReport.ts"
import { addressOf, parseJson, type Report, sightingOf, textOf } from "./ReportedHost.ts"
import { ranked, type SeenInterface, type Sighting } from "./Sighting.ts"

const Found = Schema.Struct({
  ip: Schema.String,
  mac: Schema.optionalKey(Schema.NullOr(Schema.String)),
  hostname: Schema.optionalKey(Schema.NullOr(Schema.String))
})
type Found = typeof Found.Type

const whole = Schema.optionalKey(Schema.NullOr(Schema.Int))
const text = Schema.optionalKey(Schema.NullOr(Schema.String))

const FoundInterface = Schema.Struct({
  device_ip: Schema.String,
  if_index: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  if_name: text,
  if_descr: text,
  if_alias: text,
  if_speed: Schema.optionalKey(Schema.NullOr(Schema.Union([
    Schema.Int,
    Schema.Struct({ value: Schema.optionalKey(Schema.Int) })
  ]))),
  if_phys_address: text,
  ip_addresses: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  if_admin_status: whole,
  if_oper_status: whole
})
type FoundInterface = typeof FoundInterface.Type

const Network = Schema.Struct({
  devices: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Unknown))),
  interfaces: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Unknown)))
})

const decodeNetwork = Schema.decodeUnknownOption(Network)
const decodeFound = Schema.decodeUnknownOption(Found)
const decodeInterface = Schema.decodeUnknownOption(FoundInterface)

const speedOf = ({ if_speed }: FoundInterface): number =>
  typeof if_speed === "object" && if_speed !== null ? if_speed.value ?? 0 : if_speed ?? 0

/** What is 0 or empty was not found out. */
const seenOf = (one: FoundInterface): SeenInterface => ({
  ifIndex: one.if_index,
  ...(one.if_name ? { ifName: one.if_name } : {}),
  ...(one.if_descr ? { ifDescr: one.if_descr } : {}),
  ...(one.if_alias ? { ifAlias: one.if_alias } : {}),
  ...(one.if_phys_address ? { ifPhysAddress: one.if_phys_address } : {}),
  ...(speedOf(one) === 0 ? {} : { ifSpeed: speedOf(one) }),
  ...(one.ip_addresses ? { ipAddresses: one.ip_addresses } : {}),
  ...(one.if_admin_status ? { ifAdminStatus: one.if_admin_status } : {}),
  ...(one.if_oper_status ? { ifOperStatus: one.if_oper_status } : {})
})

export const ofNetwork = (report: Report, status: ReportedStatus): ReadonlyArray<Sighting> => {
  const { devices, interfaces } = Option.getOrElse(
    decodeNetwork(parseJson(status.message)),
    (): typeof Network.Type => ({})
  )
  const known = new Map<string, Found>()
  for (const one of (devices ?? []).flatMap((raw) => Option.toArray(decodeFound(raw)))) {
    const ip = addressOf(one.ip)
    if (ip !== "") known.set(ip, one)
  }
  const own = new Map<string, Array<SeenInterface>>()
  for (const one of (interfaces ?? []).flatMap((raw) => Option.toArray(decodeInterface(raw)))) {
    const ip = addressOf(one.device_ip)
    if (ip === "") continue
    const list = own.get(ip) ?? []
    list.push(seenOf(one))
    own.set(ip, list)
  }
  return [...new Set([...known.keys(), ...own.keys()])].map((ip) => {
    const { hostname, mac } = known.get(ip) ?? {}
    const seen = own.get(ip)
    return {
      ...sightingOf(report, status, {
        ip,
        hostname: textOf(hostname),
        isAvailable: undefined,
        isProof: true,
        source: "mapper"
      }),
      mac: textOf(mac),
      identifiers: ranked({ mac: textOf(mac) }),
      ...(seen === undefined ? {} : { interfaces: seen })
    }
  })
}
