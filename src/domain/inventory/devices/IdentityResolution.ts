/**
 * Which device a sighting is of.
 *
 * An id of a service of our own stays. Otherwise the strongest identifier that is known decides, then the id that the device
 * was given, and where nothing but an address is known, the address; what is known of none of them is a new device, whose id
 * follows from its identifiers, so that two who see it first at the same time make one.
 *
 * A device that was known by nothing but its address, or by nothing but what this one has, was this one all along: it is
 * merged into it. One with an identifier of its own is not, whatever they share: a network card may have moved. Whoever still
 * goes by the id of a device that was merged is the device that it was merged into. An id that belongs to another partition
 * is not taken: nobody moves there by what they say of themselves.
 */
import { isService, type Sighting, type StrongIdentifier } from "./Sighting.ts"

/** What is known of the devices that sightings may be of. */
export interface Known {
  /** The device that an identifier is registered for, by `identifierKey`. */
  readonly byIdentifier: ReadonlyMap<string, string>
  /** The devices that have an address, by `addressKey`, of those that are still there; the one that was seen last comes last. */
  readonly byAddress: ReadonlyMap<string, ReadonlyArray<string>>
  /** All identifiers of a device, as keys; none for one that is known by its address alone. */
  readonly identifiersOf: ReadonlyMap<string, ReadonlySet<string>>
  /** What a device that is no more turned out to be. */
  readonly mergedInto: ReadonlyMap<string, string>
  readonly partitionOf: ReadonlyMap<string, string>
}

export interface Resolution {
  readonly uid: string
  /** Identifiers that are registered for no device yet, or for one that is merged into this. */
  readonly registered: ReadonlyArray<StrongIdentifier>
  /** Devices that turn out to be this one. */
  readonly merged: ReadonlyArray<string>
}

export const identifierKey = (partition: string, { type, value }: StrongIdentifier): string =>
  JSON.stringify([partition, type, value])

export const addressKey = (partition: string, ip: string): string => JSON.stringify([partition, ip])

const devicePrefix = "sr:"

const prefixes = {
  armis_device_id: "armis",
  integration_id: "integration",
  netbox_device_id: "netbox",
  mac: "mac"
} as const

/** What the id of a new device is made of. */
export const seedOf = ({ identifiers, ip, partition }: Pick<Sighting, "identifiers" | "ip" | "partition">): string => {
  const parts = identifiers.map(({ type, value }) => `${prefixes[type]}:${value}`)
  return `serviceradar-device-v3:partition:${partition}:${parts.length > 0 ? parts.join("") : `ip:${ip}`}`
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** `sr:` and the first 16 bytes of the seed's SHA-256, as a UUID of version 4. */
export const uidOf = (sha256: Uint8Array): string => {
  const bytes = sha256.slice(0, 16)
  bytes[6] = (bytes[6] ?? 0) & 0x0f | 0x40
  bytes[8] = (bytes[8] ?? 0) & 0x3f | 0x80
  let hex = ""
  for (const byte of bytes) hex += hexOf[byte] ?? ""
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return `${devicePrefix}${groups.join("-")}`
}

/** The device that is left of it after all merges; those of devices that came back and went again may go in a circle. */
const outcomeOf = ({ mergedInto }: Known, uid: string): string => {
  const passed = new Set([uid])
  let own = uid
  for (let next = mergedInto.get(own); next !== undefined && !passed.has(next); next = mergedInto.get(own)) {
    passed.add(next)
    own = next
  }
  return own
}

/** Undefined for a sighting that names nothing by which a device could be known. */
const resolve = (
  known: Known,
  sighting: Sighting,
  sha256: (text: string) => Uint8Array
): Resolution | undefined => {
  const { identifiers, ip, partition, uid } = sighting
  if (isService(uid)) return { uid, registered: [], merged: [] }
  const keys = identifiers.map((one) => identifierKey(partition, one))
  const hits = keys.flatMap((key) => known.byIdentifier.get(key) ?? [])
  const neighbour = ip === "" ? undefined : known.byAddress.get(addressKey(partition, ip))?.at(-1)
  const isOwn = uid.startsWith(devicePrefix) && (known.partitionOf.get(uid) ?? partition) === partition
  const found = hits[0] ?? (isOwn ? uid : undefined) ??
    (identifiers.length === 0 ? neighbour : undefined)
  if (found === undefined && identifiers.length === 0 && ip === "") return undefined
  const own = outcomeOf(known, found ?? uidOf(sha256(seedOf(sighting))))
  if (identifiers.length === 0) return { uid: own, registered: [], merged: [] }
  const isOnlyThis = (other: string): boolean =>
    [...known.identifiersOf.get(other) ?? []].every((key) => keys.includes(key))
  const others = new Set([...hits, ...(neighbour?.startsWith(devicePrefix) === true ? [neighbour] : [])])
  const merged = [...others].filter((other) => other !== own && isOnlyThis(other))
  return {
    uid: own,
    registered: identifiers.filter((_, at) => {
      const holder = known.byIdentifier.get(keys[at] ?? "")
      return holder === undefined || merged.includes(holder)
    }),
    merged
  }
}

/** What is known, as one sighting after the other adds to it. */
class Knowledge implements Known {
  readonly byIdentifier: Map<string, string>
  readonly byAddress: Map<string, ReadonlyArray<string>>
  readonly identifiersOf: Map<string, ReadonlySet<string>>
  readonly mergedInto: Map<string, string>
  readonly partitionOf: Map<string, string>
  readonly #addressOf = new Map<string, string>()

  constructor(known: Known) {
    this.byIdentifier = new Map(known.byIdentifier)
    this.byAddress = new Map(known.byAddress)
    this.identifiersOf = new Map(known.identifiersOf)
    this.mergedInto = new Map(known.mergedInto)
    this.partitionOf = new Map(known.partitionOf)
    for (const [key, uids] of known.byAddress) for (const uid of uids) this.#addressOf.set(uid, key)
  }

  learn({ ip, partition }: Sighting, { merged, registered, uid }: Resolution): void {
    const home = this.partitionOf.get(uid) ?? partition
    this.partitionOf.set(uid, home)
    const own = new Set(this.identifiersOf.get(uid))
    for (const key of merged.flatMap((other) => [...this.identifiersOf.get(other) ?? []])) own.add(key)
    for (const one of registered) own.add(identifierKey(partition, one))
    for (const key of own) this.byIdentifier.set(key, uid)
    this.identifiersOf.set(uid, own)
    for (const other of merged) {
      this.identifiersOf.delete(other)
      this.mergedInto.set(other, uid)
      this.#leave(other)
    }
    if (ip === "") return
    this.#leave(uid)
    const key = addressKey(home, ip)
    this.byAddress.set(key, [...this.byAddress.get(key) ?? [], uid])
    this.#addressOf.set(uid, key)
  }

  #leave(uid: string): void {
    const key = this.#addressOf.get(uid)
    if (key === undefined) return
    this.byAddress.set(key, (this.byAddress.get(key) ?? []).filter((other) => other !== uid))
    this.#addressOf.delete(uid)
  }
}

/** Of each sighting in turn: what the earlier ones say is known to the later. */
export const resolveAll = (
  known: Known,
  sightings: ReadonlyArray<Sighting>,
  sha256: (text: string) => Uint8Array
): ReadonlyArray<Resolution | undefined> => {
  const knowledge = new Knowledge(known)
  return sightings.map((sighting) => {
    const resolution = resolve(knowledge, sighting, sha256)
    if (resolution !== undefined) knowledge.learn(sighting, resolution)
    return resolution
  })
}
