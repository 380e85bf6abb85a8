import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as FastCheck from "fast-check"
import * as crypto from "node:crypto"
import * as Identity from "../../../../src/domain/inventory/devices/IdentityResolution.ts"
import { ranked, type Sighting } from "../../../../src/domain/inventory/devices/Sighting.ts"

const sha256 = (text: string): Uint8Array => crypto.createHash("sha256").update(text).digest()

const nothing: Identity.Known = {
  byIdentifier: new Map(),
  byAddress: new Map(),
  identifiersOf: new Map(),
  mergedInto: new Map(),
  partitionOf: new Map()
}

const sighting = (more: Partial<Sighting>): Sighting => ({
  partition: "default",
  uid: "",
  identifiers: [],
  ip: "",
  hostname: "",
  mac: "",
  isAvailable: true,
  isProof: true,
  source: "test",
  pollerId: "",
  agentId: "",
  seenAt: DateTime.makeUnsafe(0),
  ...more
})

const resolveAll = (sightings: ReadonlyArray<Sighting>, known = nothing) =>
  Identity.resolveAll(known, sightings, sha256)

const uids = (...sightings: ReadonlyArray<Sighting>) => resolveAll(sightings).map((resolution) => resolution?.uid)

/** Few values, so that sightings meet. */
const few = (prefix: string) => FastCheck.constantFrom("", ...[1, 2, 3].map((at) => `${prefix}${at}`))

const anySighting: FastCheck.Arbitrary<Sighting> = FastCheck.record({
  partition: FastCheck.constantFrom("default", "lab"),
  armis: few("A"),
  netbox: few("N"),
  mac: few("02:42:ac:11:00:0"),
  ip: few("10.0.0."),
  uid: FastCheck.constantFrom("", "", "", "sr:given", "serviceradar:agent:one")
}).map(({ armis, ip, mac, netbox, partition, uid }) =>
  sighting({ partition, uid, ip, mac, identifiers: ranked({ armis_device_id: armis, netbox_device_id: netbox, mac }) })
)

interface Kept {
  readonly ip: string
  readonly partition: string
  readonly seenAt: number
  readonly isGone: boolean
}

/** What an inventory holds after these, as the registry keeps it. */
const kept = (sightings: ReadonlyArray<Sighting>) => {
  const devices = new Map<string, Kept>()
  const identifiers = new Map<string, string>()
  const mergedInto = new Map<string, string>()
  const resolutions = resolveAll(sightings)
  resolutions.forEach((resolution, at) => {
    const one = sightings[at]
    if (resolution === undefined || one === undefined) return
    const { merged, registered, uid } = resolution
    const before = devices.get(uid)
    const ip = one.ip === "" ? before?.ip ?? "" : one.ip
    const seenAt = one.ip === "" ? before?.seenAt ?? at : at
    devices.set(uid, { ip, partition: before?.partition ?? one.partition, seenAt, isGone: before?.isGone ?? false })
    for (const other of merged) {
      for (const [key, holder] of identifiers) if (holder === other) identifiers.set(key, uid)
      mergedInto.set(other, uid)
      const gone = devices.get(other)
      if (gone !== undefined) devices.set(other, { ...gone, isGone: true })
    }
    for (const identifier of registered) identifiers.set(Identity.identifierKey(one.partition, identifier), uid)
  })
  return { devices, identifiers, mergedInto, resolutions }
}

const knownOf = (
  { devices, identifiers, mergedInto }: Pick<ReturnType<typeof kept>, "devices" | "identifiers" | "mergedInto">
): Identity.Known => {
  const byAddress = new Map<string, ReadonlyArray<string>>()
  for (const [uid, { ip, isGone, partition }] of [...devices].toSorted(([, a], [, b]) => a.seenAt - b.seenAt)) {
    const key = Identity.addressKey(partition, ip)
    if (ip !== "" && !isGone) byAddress.set(key, [...byAddress.get(key) ?? [], uid])
  }
  const identifiersOf = new Map<string, ReadonlySet<string>>()
  for (const [key, uid] of identifiers) identifiersOf.set(uid, new Set([...identifiersOf.get(uid) ?? [], key]))
  const partitionOf = new Map([...devices].map(([uid, { partition }]) => [uid, partition]))
  return { byIdentifier: identifiers, byAddress, identifiersOf, mergedInto, partitionOf }
}

describe("The identity of a device", () => {
  it("follows from what it is known by, as the existing system has it", () => {
    const seed = "serviceradar-device-v3:partition:default:armis:7mac:0242AC110001"
    const hex = crypto.createHash("sha256").update(seed).digest("hex")
    const [uid] = uids(sighting({ identifiers: ranked({ mac: "02:42:ac:11:00:01", armis_device_id: "7" }) }))
    assert.match(String(uid), /^sr:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.strictEqual(uid?.slice(3, 11), hex.slice(0, 8))
    assert.strictEqual(
      Identity.seedOf(sighting({ ip: "10.0.0.1" })),
      "serviceradar-device-v3:partition:default:ip:10.0.0.1"
    )
  })

  it("is left alone where it is a service of our own, and kept where it was given", () => {
    const [service, given, foreign] = uids(
      sighting({ uid: "serviceradar:agent:one", ip: "10.0.0.1" }),
      sighting({ uid: "sr:given", ip: "10.0.0.2" }),
      sighting({ uid: "default:10.0.0.3", ip: "10.0.0.3" })
    )
    assert.deepStrictEqual([service, given], ["serviceradar:agent:one", "sr:given"])
    assert.match(String(foreign), /^sr:/)
  })

  it("is the strongest identifier's, and an address decides only where there is none", () => {
    const byMac = sighting({ ip: "10.0.0.1", identifiers: ranked({ mac: "02:42:AC:11:00:01" }) })
    const other = sighting({ ip: "10.0.0.1", identifiers: ranked({ mac: "02-42-ac-11-00-02" }) })
    const [first, second, third] = uids(byMac, other, sighting({ ip: "10.0.0.1" }))
    assert.notStrictEqual(first, second)
    assert.strictEqual(third, second)
    const [, moved] = uids(byMac, sighting({ ip: "10.0.0.9", identifiers: byMac.identifiers }))
    assert.strictEqual(moved, first)
  })

  it("takes in what was known by its address alone", () => {
    const [weak, strong] = resolveAll([
      sighting({ ip: "10.0.0.1" }),
      sighting({ ip: "10.0.0.1", identifiers: ranked({ mac: "0242ac110001" }) })
    ])
    assert.deepStrictEqual(strong?.merged, [String(weak?.uid)])
  })

  it("is the one that it was merged into, also for whoever goes by the old id, and after several merges", () => {
    const strong = sighting({ ip: "10.0.0.1", identifiers: ranked({ netbox_device_id: "N1" }) })
    const [, merging, again, elsewhere] = resolveAll([
      sighting({ uid: "sr:given", ip: "10.0.0.1" }),
      strong,
      sighting({ uid: "sr:given", ip: "10.0.0.2" }),
      sighting({ uid: "sr:given", ip: "10.0.0.3", identifiers: ranked({ mac: "0242ac110009" }) })
    ])
    assert.deepStrictEqual(merging?.merged, ["sr:given"])
    assert.deepStrictEqual([again?.uid, elsewhere?.uid], [merging?.uid, merging?.uid])
    assert.deepStrictEqual(elsewhere?.merged, [])
  })

  it("is not given away by a network card that has moved", () => {
    const [first, second, third] = resolveAll([
      sighting({ identifiers: ranked({ armis_device_id: "A1", mac: "0242ac110001" }) }),
      sighting({ identifiers: ranked({ armis_device_id: "A2" }) }),
      sighting({ identifiers: ranked({ armis_device_id: "A2", mac: "0242ac110001" }) })
    ])
    assert.notStrictEqual(first?.uid, second?.uid)
    assert.deepStrictEqual(third, { uid: String(second?.uid), registered: [], merged: [] })
  })

  it("is not that of a device in another partition, whatever a sighting says of itself", () => {
    const [first, second] = uids(
      sighting({ uid: "sr:given", ip: "10.0.0.1", partition: "lab" }),
      sighting({ uid: "sr:given", ip: "10.0.0.1" })
    )
    assert.strictEqual(first, "sr:given")
    assert.match(String(second), /^sr:[0-9a-f]{8}-/)
  })

  it("needs something to be known by", () => {
    assert.deepStrictEqual(resolveAll([sighting({ hostname: "printer" })]), [undefined])
  })

  it("stays what it is when the same is seen again, in one piece or in two, and never leaves its partition", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(anySighting, { maxLength: 30 }),
        FastCheck.nat(30),
        (sightings, cut) => {
          const all = kept(sightings)
          const known = knownOf(all)
          // Nobody is registered anew or merged again by what was the last of each device.
          const again = resolveAll(sightings, known)
          for (const resolution of again) {
            if (resolution === undefined) continue
            assert.isFalse(all.devices.get(resolution.uid)?.isGone ?? false, JSON.stringify(resolution))
          }
          const head = kept(sightings.slice(0, cut))
          const tail = resolveAll(sightings.slice(cut), knownOf(head))
          assert.deepStrictEqual(
            tail.map((one) => one?.uid),
            all.resolutions.slice(cut).map((one) => one?.uid),
            "in two pieces"
          )
          for (const [key, uid] of all.identifiers) {
            const [partition] = JSON.parse(key)
            assert.strictEqual(all.devices.get(uid)?.partition, partition)
          }
        }
      ),
      { numRuns: 1000 }
    )
  })
})
