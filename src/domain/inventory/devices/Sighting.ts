/** A device as somebody saw it once: what it was known by there, and what was said of it. */
import type { DateTime } from "effect"

/** Kinds of what tells a device from all others, the strongest first. */
export const strongTypes = ["armis_device_id", "integration_id", "netbox_device_id", "mac"] as const

export type StrongType = typeof strongTypes[number]

export interface StrongIdentifier {
  readonly type: StrongType
  readonly value: string
}

/** Kinds of names that a device may have beside its own; the ids of services of our own that run on it are such. */
export const aliasTypes = ["ip", "service_id", "mac", "collector_ip"] as const

export type AliasType = typeof aliasTypes[number]

/** Another name that whoever saw a device has for it. */
export interface SaidAlias {
  readonly type: AliasType
  readonly value: string
  /** Absent for that of the sighting. */
  readonly seenAt?: DateTime.Utc
}

/** An interface as it was said of a device, by the attributes of `Interface`. */
export interface SeenInterface {
  readonly ifIndex: number
  readonly ifName?: string
  readonly ifDescr?: string
  readonly ifAlias?: string
  readonly ifPhysAddress?: string
  /** Bits per second. */
  readonly ifSpeed?: number
  readonly ipAddresses?: ReadonlyArray<string>
  readonly ifAdminStatus?: number
  readonly ifOperStatus?: number
}

export interface Sighting {
  /** Networks of different partitions may have the same addresses. */
  readonly partition: string
  /** The id that it was given by whoever saw it; empty for none. */
  readonly uid: string
  /** At most one of each type, the strongest first. */
  readonly identifiers: ReadonlyArray<StrongIdentifier>
  /** Empty when it is not known. */
  readonly ip: string
  readonly hostname: string
  readonly mac: string
  /** Undefined where what was seen says nothing of it. */
  readonly isAvailable: boolean | undefined
  /** Whether it is enough to say that there is such a device: an address that never answered is none. */
  readonly isProof: boolean
  readonly source: string
  readonly pollerId: string
  readonly agentId: string
  readonly seenAt: DateTime.Utc
  /** Those of its interfaces of which something was said. */
  readonly interfaces?: ReadonlyArray<SeenInterface>
  readonly aliases?: ReadonlyArray<SaidAlias>
}

const servicePrefix = "serviceradar:"

/** Whether it is of a service of our own, which is a device beside the machine that it runs on. */
export const isService = (uid: string): boolean => uid.startsWith(servicePrefix)

/** Whether it was known by more than its address. */
export const isStrong = ({ identifiers, uid }: Sighting): boolean => identifiers.length > 0 || uid !== ""

/** Upper case, without what stands between the digits. */
export const normalisedMac = (text: string): string => text.toUpperCase().replaceAll(/[:.-]/g, "")

/** By rank, without what is empty; of one type the first counts. */
export const ranked = (given: Readonly<Partial<Record<StrongType, string>>>): ReadonlyArray<StrongIdentifier> =>
  strongTypes.flatMap((type) => {
    const text = given[type]?.trim() ?? ""
    const value = type === "mac" ? normalisedMac(text) : text
    return value === "" ? [] : [{ type, value }]
  })
