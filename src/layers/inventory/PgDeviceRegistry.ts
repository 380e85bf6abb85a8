/**
 * The inventory in PostgreSQL, a slice of sightings in each transaction.
 *
 * The next slices are read while one is written, unless they name the same device: a slice begins when the one before it has
 * locked the devices that it found, so each device is written in the order of its sightings.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { DateTime, Deferred, Effect, Fiber, Layer, Metric } from "effect"
import { Device } from "../../domain/inventory/devices/Device.ts"
import { DeviceAliasState } from "../../domain/inventory/devices/DeviceAliasState.ts"
import { DeviceIdentifier } from "../../domain/inventory/devices/DeviceIdentifier.ts"
import * as Identity from "../../domain/inventory/devices/IdentityResolution.ts"
import { Interface } from "../../domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../domain/inventory/devices/MergeAudit.ts"
import type { Sighting } from "../../domain/inventory/devices/Sighting.ts"
import { system } from "../../domain/records/Actor.ts"
import * as Registry from "../../services/inventory/DeviceRegistry.ts"
import type { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as RecordBulk from "../records/RecordBulk.ts"
import * as RecordTransactions from "../records/RecordTransactions.ts"
import * as InventoryFacts from "./InventoryFacts.ts"
import { knownOf, SightedBatch } from "./SightedBatch.ts"

/** Sightings of one transaction. */
const sliceMax = 500

/** At once: one that is read, one that is decided, one that is written. Each has a connection. */
const slicesMax = 3

/** Sightings that are looked at before others have their turn. */
const turnMax = 50

const device = Device.definition

const devices = Metric.counter("inventory_devices_total", {
  description: "Devices by what sightings made of them",
  incremental: true
})

/** Sightings of one transaction, and all that they name their devices by. */
interface Slice {
  readonly sightings: ReadonlyArray<Sighting>
  readonly named: ReadonlyArray<InventoryFacts.Names>
  readonly names: ReadonlySet<string>
}

const sliceOf = (sightings: ReadonlyArray<Sighting>): Slice => {
  const named = sightings.map(InventoryFacts.namesOf)
  const names = new Set<string>()
  for (const { identifiers, ip, uids } of named) {
    for (const text of [...identifiers, ...uids, ip]) if (text !== "") names.add(text)
  }
  return { sightings, named, names }
}

const sightSlice = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  context: RecordBulk.BulkContext,
  { named, sightings }: Slice,
  held: Effect.Effect<unknown>
) {
  const facts = yield* InventoryFacts.find(sql, context.tenant, { sightings, named }, held)
  const batch = new SightedBatch(context, facts)
  const resolutions = Identity.resolveAll(knownOf(facts), sightings, InventoryFacts.sha256)
  for (const [at, sighting] of sightings.entries()) {
    const resolution = resolutions[at]
    if (resolution !== undefined) batch.add(sighting, resolution)
    if (at % turnMax === turnMax - 1) yield* Effect.yieldNow
  }
  const { changed, made } = yield* RecordBulk.write(sql, context, device, batch.devices)
  yield* RecordBulk.write(sql, context, DeviceIdentifier.definition, batch.identifiers)
  yield* RecordBulk.write(sql, context, DeviceAliasState.definition, batch.aliases)
  yield* RecordBulk.write(sql, context, Interface.definition, batch.interfaces)
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

/** Interfaces weigh as much as devices. */
const slices = (sightings: ReadonlyArray<Sighting>): ReadonlyArray<ReadonlyArray<Sighting>> => {
  const all: Array<ReadonlyArray<Sighting>> = []
  let from = 0
  let weight = 0
  for (const [at, { interfaces = [] }] of sightings.entries()) {
    weight += 1 + interfaces.length
    if (weight < sliceMax) continue
    all.push(sightings.slice(from, at + 1))
    from = at + 1
    weight = 0
  }
  return from < sightings.length ? [...all, sightings.slice(from)] : all
}

export const layer: Layer.Layer<Registry.DeviceRegistry, never, PgConnection> = Layer.effect(
  Registry.DeviceRegistry,
  Effect.map(RecordTransactions.database, ({ transaction }) => {
    /** `held` when the devices that it found are locked, or it has failed. */
    const take = Effect.fnUntraced(function*(tenant: string, slice: Slice, held: Effect.Effect<unknown>) {
      const now = yield* DateTime.now
      const actor = system(tenant)
      const asker = { actor, id: actor.id, name: actor.name, requestId: "inventory" }
      const taken = yield* transaction((sql) =>
        Effect.andThen(RecordBulk.enter(sql, tenant), sightSlice(sql, { asker, tenant, now }, slice, held))
      ).pipe(
        Effect.catchTag(
          "SqlError",
          (error) => Effect.fail(RecordTransactions.failure({ action: "refresh", definition: device })(error))
        ),
        Effect.ensuring(held)
      )
      return yield* noted(taken)
    })

    const begin = Effect.fnUntraced(function*(tenant: string, slice: Slice) {
      const held = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkScoped(take(tenant, slice, Deferred.succeed(held, undefined)))
      return { slice, fiber, held: Deferred.await(held) }
    })

    const sight = Effect.fn("DeviceRegistry.sight")(
      function*(tenant: string, sightings: ReadonlyArray<Sighting>) {
        let total = Registry.nothing
        const running: Array<Effect.Success<ReturnType<typeof begin>>> = []
        /** Until so many are left, the oldest first. */
        const joined = Effect.fnUntraced(function*(left: number) {
          for (const { fiber } of running.splice(0, running.length - left)) {
            total = Registry.sum(total, yield* Fiber.join(fiber))
          }
        })
        for (const some of slices(sightings)) {
          const slice = sliceOf(some)
          const same = running.findLastIndex((one) => !one.slice.names.isDisjointFrom(slice.names))
          yield* joined(Math.min(running.length - same - 1, slicesMax - 1))
          const next = yield* begin(tenant, slice)
          running.push(next)
          yield* next.held
        }
        yield* joined(0)
        return total
      },
      // When one fails the other ends before anybody tries again.
      Effect.scoped
    )
    return Registry.DeviceRegistry.of({ sight })
  })
)
