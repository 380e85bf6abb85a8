/** The inventory in PostgreSQL, a slice of sightings in each transaction. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { DateTime, Effect, Layer, Metric } from "effect"
import * as crypto from "node:crypto"
import { Device } from "../../domain/inventory/devices/Device.ts"
import { DeviceIdentifier } from "../../domain/inventory/devices/DeviceIdentifier.ts"
import * as Identity from "../../domain/inventory/devices/IdentityResolution.ts"
import { MergeAudit } from "../../domain/inventory/devices/MergeAudit.ts"
import type { Sighting } from "../../domain/inventory/devices/Sighting.ts"
import { system } from "../../domain/records/Actor.ts"
import type { Stored } from "../../domain/records/Record.ts"
import * as Registry from "../../services/inventory/DeviceRegistry.ts"
import type { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as RecordBulk from "../records/RecordBulk.ts"
import * as RecordTransactions from "../records/RecordTransactions.ts"
import { type Found, isGone, knownOf, mergeOf, SightedBatch } from "./SightedBatch.ts"

/** Sightings of one transaction. */
const sliceMax = 500

const device = Device.definition
const identifier = DeviceIdentifier.definition

const devices = Metric.counter("inventory_devices_total", {
  description: "Devices by what sightings made of them",
  incremental: true
})

const sha256 = (text: string): Uint8Array => crypto.createHash("sha256").update(text).digest()

const distinct = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(texts)].filter((text) => text !== "")

/** What devices that are no more turned out to be, and what became of those in turn. */
const mergesOf = Effect.fnUntraced(function*(sql: PgClient.PgClient, tenant: string, gone: ReadonlyArray<string>) {
  const merges: Array<Stored> = []
  const asked = new Set<string>()
  for (let next = gone; next.length > 0;) {
    for (const uid of next) asked.add(uid)
    const found = yield* RecordBulk.among(sql, MergeAudit.definition, {
      attribute: "fromDeviceId",
      texts: next,
      tenant
    })
    merges.push(...found)
    next = distinct(found.map((one) => mergeOf(one)[1])).filter((uid) => !asked.has(uid))
  }
  return merges
})

const found = Effect.fnUntraced(
  function*(sql: PgClient.PgClient, tenant: string, sightings: ReadonlyArray<Sighting>): Effect.fn.Return<
    Found,
    Effect.Error<ReturnType<typeof RecordBulk.among>>
  > {
    const ask = (attribute: string, texts: ReadonlyArray<string>) => ({ attribute, texts: distinct(texts), tenant })
    const values = sightings.flatMap(({ identifiers }) => identifiers.map(({ value }) => value))
    const named = yield* RecordBulk.among(sql, identifier, ask("identifierValue", values))
    const neighbours = yield* RecordBulk.among(sql, device, ask("ip", sightings.map(({ ip }) => ip)))
    const uids = distinct([
      ...named.map(({ values }) => String(values["deviceId"])),
      ...neighbours.map(({ values }) => String(values["uid"])),
      ...sightings.map(({ uid }) => uid),
      ...sightings.map((sighting) => Identity.uidOf(sha256(Identity.seedOf(sighting))))
    ])
    const [all, identifiers] = [
      yield* RecordBulk.among(sql, device, { ...ask("uid", uids), isLocked: true }),
      values.length === 0 ? [] : yield* RecordBulk.among(sql, identifier, ask("deviceId", uids))
    ]
    const merges = yield* mergesOf(sql, tenant, all.filter(isGone).map(({ values }) => String(values["uid"])))
    const outcomes = distinct(merges.map((one) => mergeOf(one)[1])).filter((uid) => !uids.includes(uid))
    if (outcomes.length === 0) return { devices: all, identifiers, merges }
    return {
      devices: [...all, ...yield* RecordBulk.among(sql, device, { ...ask("uid", outcomes), isLocked: true })],
      identifiers: [...identifiers, ...yield* RecordBulk.among(sql, identifier, ask("deviceId", outcomes))],
      merges
    }
  }
)

const sightSlice = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  context: RecordBulk.BulkContext,
  sightings: ReadonlyArray<Sighting>
) {
  const facts = yield* found(sql, context.tenant, sightings)
  const batch = new SightedBatch(context, facts)
  Identity.resolveAll(knownOf(facts), sightings, sha256).forEach((resolution, at) => {
    const sighting = sightings[at]
    if (resolution !== undefined && sighting !== undefined) batch.add(sighting, resolution)
  })
  const { changed, made } = yield* RecordBulk.write(sql, context, device, batch.devices)
  yield* RecordBulk.write(sql, context, identifier, batch.identifiers)
  const merges = yield* RecordBulk.write(sql, context, MergeAudit.definition, batch.merges)
  return { made, changed, merged: merges.made, refusals: batch.refusals }
})

const noted = Effect.fnUntraced(
  function*({ changed, made, merged, refusals }: Effect.Success<ReturnType<typeof sightSlice>>) {
    for (const [outcome, count] of Object.entries({ made, changed, merged, refused: refusals.length })) {
      if (count > 0) yield* Metric.update(Metric.withAttributes(devices, { outcome }), count)
    }
    const [first] = refusals
    if (first !== undefined) {
      yield* Effect.logWarning(`${refusals.length} sightings of devices were left out, the first because ${first}`)
    }
    return { made, changed, merged, refused: refusals.length }
  }
)

const slices = (sightings: ReadonlyArray<Sighting>): ReadonlyArray<ReadonlyArray<Sighting>> =>
  Array.from(
    { length: Math.ceil(sightings.length / sliceMax) },
    (_, at) => sightings.slice(at * sliceMax, (at + 1) * sliceMax)
  )

export const layer: Layer.Layer<Registry.DeviceRegistry, never, PgConnection> = Layer.effect(
  Registry.DeviceRegistry,
  Effect.map(RecordTransactions.database, ({ transaction }) => {
    const sight = Effect.fn("DeviceRegistry.sight")(
      function*(tenant: string, sightings: ReadonlyArray<Sighting>) {
        let total = Registry.nothing
        for (const slice of slices(sightings)) {
          const now = yield* DateTime.now
          const actor = system(tenant)
          const asker = { actor, id: actor.id, name: actor.name, requestId: "inventory" }
          const taken = yield* transaction((sql) =>
            Effect.andThen(RecordBulk.enter(sql, tenant), sightSlice(sql, { asker, tenant, now }, slice))
          ).pipe(
            Effect.catchTag(
              "SqlError",
              (error) => Effect.fail(RecordTransactions.failure({ action: "refresh", definition: device })(error))
            )
          )
          total = Registry.sum(total, yield* noted(taken))
        }
        return total
      }
    )
    return Registry.DeviceRegistry.of({ sight })
  })
)
