/** Reads the records that sightings may be about, and locks their devices until the transaction ends. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as crypto from "node:crypto"
import { Device } from "../../domain/inventory/devices/Device.ts"
import { DeviceAliasState } from "../../domain/inventory/devices/DeviceAliasState.ts"
import { DeviceIdentifier } from "../../domain/inventory/devices/DeviceIdentifier.ts"
import * as Identity from "../../domain/inventory/devices/IdentityResolution.ts"
import { Interface } from "../../domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../domain/inventory/devices/MergeAudit.ts"
import * as SeenAlias from "../../domain/inventory/devices/SeenAlias.ts"
import { isService, isStrong, type Sighting } from "../../domain/inventory/devices/Sighting.ts"
import type { Stored } from "../../domain/records/Record.ts"
import * as RecordBulk from "../records/RecordBulk.ts"
import { type Found, isGone, mergeOf } from "./SightedBatch.ts"

const device = Device.definition
const identifier = DeviceIdentifier.definition

export const sha256 = (text: string): Uint8Array => crypto.createHash("sha256").update(text).digest()

const distinct = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(texts)].filter((text) => text !== "")

const uidOf = ({ values }: Stored): string => String(values["uid"])

/** What devices that are no more turned out to be, and what became of those in turn. */
const mergesOf = Effect.fnUntraced(function*(sql: PgClient.PgClient, tenant: string, gone: ReadonlyArray<string>) {
  const merges: Array<Stored> = []
  const asked = new Set<string>()
  for (let next = gone; next.length > 0;) {
    for (const uid of next) asked.add(uid)
    const found = yield* RecordBulk.among(sql, MergeAudit.definition, { texts: { fromDeviceId: next }, tenant })
    merges.push(...found)
    next = distinct(found.map((one) => mergeOf(one)[1])).filter((uid) => !asked.has(uid))
  }
  return merges
})

/** What a sighting names its device by; two sightings of one new device have one of these in common. */
export const namesOf = (sighting: Sighting) => ({
  uids: [sighting.uid, Identity.uidOf(sha256(Identity.seedOf(sighting)))],
  ip: sighting.ip,
  identifiers: sighting.identifiers.map(({ value }) => value)
})

export type Names = ReturnType<typeof namesOf>

type Work<A> = (sql: PgClient.PgClient, tenant: string, given: A) => Effect.Effect<ReadonlyArray<Stored>, SqlError>

/** Of the devices of which interfaces were seen. */
const interfacesOf: Work<{ readonly uids: ReadonlyArray<string>; readonly isSeen: boolean }> = (
  sql,
  tenant,
  { isSeen, uids }
) =>
  isSeen
    ? RecordBulk.among(sql, Interface.definition, { texts: { deviceId: uids }, tenant })
    : Effect.succeed([])

/** Names that only one device has, of those by which a sighting calls its own. */
const exclusiveOf = (sighting: Sighting): ReadonlyArray<string> => [
  ...isStrong(sighting) ? SeenAlias.ownTypes.map((type) => SeenAlias.valueOf(type, sighting[type])) : [],
  ...isService(sighting.uid) ? [sighting.uid] : [],
  ...(sighting.aliases ?? []).flatMap(({ type, value }) =>
    SeenAlias.isExclusive(type) ? [SeenAlias.valueOf(type, value)] : []
  )
]

/** Of these devices, and of any that are known by a name of those that were seen, but for collectors, who see many. */
const aliasesOf: Work<{ readonly uids: ReadonlyArray<string>; readonly sightings: ReadonlyArray<Sighting> }> = (
  sql,
  tenant,
  { sightings, uids }
) => {
  if (!sightings.some((sighting) => isStrong(sighting) || sighting.aliases !== undefined)) return Effect.succeed([])
  return RecordBulk.among(sql, DeviceAliasState.definition, {
    texts: { deviceId: uids },
    together: { aliasValue: distinct(sightings.flatMap(exclusiveOf)), aliasType: SeenAlias.exclusiveTypes },
    tenant
  })
}

/** `held` once their devices are locked. */
export const find = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  tenant: string,
  { named: names, sightings }: { readonly named: ReadonlyArray<Names>; readonly sightings: ReadonlyArray<Sighting> },
  held: Effect.Effect<unknown>
): Effect.fn.Return<Found, SqlError> {
  const values = distinct(names.flatMap(({ identifiers }) => identifiers))
  const named = yield* RecordBulk.among(sql, identifier, { texts: { identifierValue: values }, tenant })
  const asked = distinct([
    ...named.map(({ values: of }) => String(of["deviceId"])),
    ...names.flatMap((one) => one.uids)
  ])
  const locked = (texts: Readonly<Record<string, ReadonlyArray<string>>>) =>
    RecordBulk.among(sql, device, { texts, tenant, isLocked: true })
  const first = yield* locked({ uid: asked, ip: distinct(names.map((one) => one.ip)) })
  const merges = yield* mergesOf(sql, tenant, first.filter(isGone).map(uidOf))
  const known = new Set(first.map(uidOf))
  const outcomes = distinct(merges.map((one) => mergeOf(one)[1])).filter((uid) => !known.has(uid))
  const devices = outcomes.length === 0 ? first : [...first, ...yield* locked({ uid: outcomes })]
  yield* held
  const uids = devices.map(uidOf)
  return {
    devices,
    merges,
    identifiers: values.length === 0
      ? []
      : yield* RecordBulk.among(sql, identifier, { texts: { deviceId: uids }, tenant }),
    aliases: yield* aliasesOf(sql, tenant, { uids, sightings }),
    interfaces: yield* interfacesOf(sql, tenant, {
      uids,
      isSeen: sightings.some(({ interfaces = [] }) => interfaces.length > 0)
    })
  }
})
