import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Schema } from "effect"
import { defaultTenantId } from "../../../src/domain/identity/Tenant.ts"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import { DeviceAliasState } from "../../../src/domain/inventory/devices/DeviceAliasState.ts"
import { DeviceIdentifier } from "../../../src/domain/inventory/devices/DeviceIdentifier.ts"
import { Interface } from "../../../src/domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../../src/domain/inventory/devices/MergeAudit.ts"
import { ranked, type Sighting } from "../../../src/domain/inventory/devices/Sighting.ts"
import { system } from "../../../src/domain/records/Actor.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
import * as PgDeviceRegistry from "../../../src/layers/inventory/PgDeviceRegistry.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import * as PgRecords from "../../../src/layers/records/PgRecords.ts"
import { migrations } from "../../../src/programs/core/ControlPlane.ts"
import * as Directory from "../../../src/services/identity/Directory.ts"
import { DeviceRegistry } from "../../../src/services/inventory/DeviceRegistry.ts"
import { Records } from "../../../src/services/records/Records.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const database = Layer.merge(PgRecords.layer, PgDeviceRegistry.layer).pipe(
  Layer.provideMerge(TestConnection.layerOf({ migrations, application }))
)

const startMillis = Date.parse("2026-03-05T12:00:00Z")

const sighting = (more: Partial<Sighting>, afterSeconds = 0): Sighting => ({
  partition: "default",
  uid: "",
  identifiers: [],
  ip: "",
  hostname: "",
  mac: "",
  isAvailable: true,
  isProof: true,
  source: "icmp",
  pollerId: "poller",
  agentId: "agent",
  seenAt: DateTime.makeUnsafe(startMillis + afterSeconds * 1000),
  ...more
})

const sight = (...sightings: ReadonlyArray<Sighting>) =>
  DeviceRegistry.use((registry) => registry.sight(defaultTenantId, sightings))

const all = (definition: Definition) =>
  Records.use((records) =>
    records.list({
      definition,
      action: "read",
      asker: Directory.asking(system(defaultTenantId), "test"),
      order: [],
      limit: 10_000
    })
  ).pipe(Effect.map(({ records }) => records.map(({ values }) => values)))

const withIp = (ip: string) =>
  Effect.map(all(Device.definition), (devices) => devices.filter((one) => one["ip"] === ip))

const Count = Schema.Struct({ audit: Schema.Int, events: Schema.Int })
const told = (key: string) =>
  Effect.gen(function*() {
    const sql = yield* PgConnection.use(({ client }) => client)
    const [row] = yield* Rows.query(
      Count,
      sql`select (select count(*)::int from serviceradar_control.audit_entries where record_key = ${key}) as audit,
        (select count(*)::int from serviceradar_control.record_events where record_key = ${key}) as events`
    )
    return row
  })

layer(database, { excludeTestServices: true, timeout: "60 seconds" })("Devices that are seen", (it) => {
  it.effect("are made once, with an audit entry and an event, and seen again change nothing", () =>
    Effect.gen(function*() {
      const one = sighting({ ip: "10.1.0.1", hostname: "printer" })
      assert.deepInclude(yield* sight(one), { made: 1, changed: 0, refused: 0 })
      assert.deepInclude(yield* sight(one), { made: 0, changed: 0, refused: 0 })
      const [device] = yield* withIp("10.1.0.1")
      assert.deepInclude(device, { hostname: "printer", lifecycle: "discovered", discoverySources: ["icmp"] })
      assert.deepStrictEqual(yield* told(String(device?.["uid"])), { audit: 1, events: 1 })
    }))

  it.effect("are touched once a minute without a word in the audit, and told of when they turn", () =>
    Effect.gen(function*() {
      const at = (seconds: number, isAvailable = true) => sighting({ ip: "10.1.0.2", isAvailable }, seconds)
      yield* sight(at(0))
      assert.deepInclude(yield* sight(at(30)), { changed: 0 })
      assert.deepInclude(yield* sight(at(90)), { changed: 1 })
      assert.deepInclude(yield* sight(at(95, false)), { changed: 1 })
      // What comes late changes nothing.
      assert.deepInclude(yield* sight(at(91, true)), { changed: 0 })
      const [device] = yield* withIp("10.1.0.2")
      assert.deepInclude(device, { isAvailable: false })
      assert.deepStrictEqual(yield* told(String(device?.["uid"])), { audit: 2, events: 2 })
    }))

  it.effect("that never answered are none, until they do", () =>
    Effect.gen(function*() {
      const silent = sighting({ ip: "10.1.0.3", isAvailable: false, isProof: false })
      assert.deepInclude(yield* sight(silent), { made: 0 })
      assert.deepInclude(yield* sight(silent, sighting({ ip: "10.1.0.3" })), { made: 1 })
    }))

  it.effect("become identified by a MAC address, and take in what was known by its address alone", () =>
    Effect.gen(function*() {
      yield* sight(sighting({ ip: "10.1.0.4" }))
      const [weak] = yield* withIp("10.1.0.4")
      const identifiers = ranked({ mac: "02:42:ac:11:00:04" })
      assert.deepInclude(yield* sight(sighting({ ip: "10.1.0.4", identifiers, source: "netbox" })), {
        made: 1,
        merged: 1
      })
      const after = yield* withIp("10.1.0.4")
      assert.deepStrictEqual(after.map(({ lifecycle }) => lifecycle).toSorted(), ["decommissioned", "identified"])
      const strong = after.find(({ lifecycle }) => lifecycle === "identified")
      const merges = yield* all(MergeAudit.definition)
      assert.isTrue(
        merges.some((one) => one["fromDeviceId"] === weak?.["uid"] && one["toDeviceId"] === strong?.["uid"])
      )
      const found = yield* all(DeviceIdentifier.definition)
      assert.deepInclude(found.find((one) => one["deviceId"] === strong?.["uid"]), {
        identifierType: "mac",
        identifierValue: "0242AC110004"
      })
      // By its address alone it is still the one that is there.
      assert.deepInclude(yield* sight(sighting({ ip: "10.1.0.4", hostname: "nas" }, 5)), { made: 0, changed: 1 })
      assert.deepInclude((yield* withIp("10.1.0.4")).find(({ hostname }) => hostname === "nas"), {
        uid: strong?.["uid"]
      })
      // Who goes by the id of before means it too.
      yield* sight(sighting({ uid: String(weak?.["uid"]), ip: "10.1.0.44" }, 10))
      assert.deepStrictEqual((yield* withIp("10.1.0.44")).map(({ uid }) => uid), [strong?.["uid"]])
    }))

  it.effect("come by the thousand, once each, and what cannot be kept is left out alone", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 1200 }, (_, at) =>
        sighting({
          ip: `10.2.${at >> 8}.${at & 255}`,
          identifiers: ranked({ armis_device_id: `${at}` }),
          source: "armis"
        }))
      const bad = sighting({ uid: `sr:${"x".repeat(300)}`, ip: "10.3.0.1" })
      assert.deepInclude(yield* sight(...many.slice(0, 700), bad, ...many.slice(600)), { made: 1200, refused: 1 })
      assert.deepInclude(yield* sight(...many), { made: 0, changed: 0 })
    }))

  it.effect("by two at once are made once", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 200 }, (_, at) => sighting({ ip: `10.4.0.${at}` }))
      const results = yield* Effect.all(
        [sight(...many), sight(...many.toReversed()), sight(...many)],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.reduce((sum, { made }) => sum + made, 0), 200)
    }))

  it.effect("are written in the order in which they were seen, however many slices that takes", () =>
    Effect.gen(function*() {
      // Slices of 500: one of the next round names devices of one that is two before it.
      const count = 1100
      const round = (hostname: string) =>
        Array.from(
          { length: count },
          (_, at) => sighting({ ip: `10.5.${at >> 8}.${at & 255}`, hostname: `${hostname}-${at}` })
        )
      yield* sight(...round("a"), ...round("b"), ...round("c").toReversed(), ...round("d"))
      const devices = (yield* all(Device.definition)).filter(({ ip }) => String(ip).startsWith("10.5."))
      assert.strictEqual(devices.length, count)
      assert.deepStrictEqual(devices.filter(({ hostname }) => !String(hostname).startsWith("d-")), [])
    }))

  it.effect("have their interfaces, each once, as they were seen last", () =>
    Effect.gen(function*() {
      const at = (seconds: number, ifOperStatus: number) =>
        sighting({
          ip: "10.6.0.1",
          source: "snmp",
          interfaces: [{ ifIndex: 1, ifName: "eth0", ifOperStatus }, { ifIndex: 2, ifName: "eth1" }]
        }, seconds)
      yield* sight(at(0, 1))
      yield* sight(at(0, 1))
      yield* sight(at(20, 2))
      // What comes late changes nothing.
      yield* sight(at(10, 1))
      const [device] = yield* withIp("10.6.0.1")
      const own = (yield* all(Interface.definition)).filter(({ deviceId }) => deviceId === device?.["uid"])
      assert.deepStrictEqual(
        own.map(({ ifIndex, ifName, ifOperStatus }) => [ifIndex, ifName, ifOperStatus]).toSorted(),
        [[1, "eth0", 2], [2, "eth1", null]]
      )
      const first = own.find(({ ifIndex }) => ifIndex === 1)
      assert.deepStrictEqual(yield* told(String(first?.["id"])), { audit: 2, events: 2 })
    }))

  it.effect("keep the addresses that they had as aliases, which others take over", () =>
    Effect.gen(function*() {
      const minute = 60
      const day = 86_400
      const laptop = (ip: string, seconds: number) =>
        sighting({ ip, identifiers: ranked({ armis_device_id: "laptop" }) }, seconds)
      const states = Effect.map(all(DeviceAliasState.definition), (aliases) =>
        aliases.filter(({ aliasValue }) =>
          String(aliasValue).startsWith("10.7.")
        ).map(({ aliasValue, state }) => `${String(aliasValue)} ${String(state)}`).toSorted())

      yield* sight(laptop("10.7.0.1", 0))
      assert.deepStrictEqual(yield* states, [])
      yield* sight(laptop("10.7.0.2", minute))
      yield* sight(laptop("10.7.0.2", minute))
      assert.deepStrictEqual(yield* states, ["10.7.0.1 detected", "10.7.0.2 detected"])
      yield* sight(laptop("10.7.0.2", 2 * minute), laptop("10.7.0.2", 3 * minute))
      assert.deepStrictEqual(yield* states, ["10.7.0.1 detected", "10.7.0.2 confirmed"])
      // Somebody else has had the first one since.
      yield* sight(sighting({ ip: "10.7.0.1", identifiers: ranked({ armis_device_id: "phone" }) }, 120 * minute))
      assert.deepStrictEqual(yield* states, ["10.7.0.1 replaced", "10.7.0.2 confirmed"])
      yield* sight(laptop("10.7.0.1", 8 * day))
      assert.deepStrictEqual(yield* states, ["10.7.0.1 detected", "10.7.0.2 stale"])
      yield* sight(laptop("10.7.0.2", 9 * day))
      assert.deepStrictEqual(yield* states, ["10.7.0.1 detected", "10.7.0.2 confirmed"])
      yield* sight(laptop("10.7.0.2", 60 * day), laptop("10.7.0.2", 61 * day))
      assert.deepStrictEqual(yield* states, ["10.7.0.1 archived", "10.7.0.2 confirmed"])
    }))

  it.effect("know which services run on them, wherever these move, and which collectors see them", () =>
    Effect.gen(function*() {
      const minute = 60
      const machine = (name: string, ip: string, seconds: number, more: Partial<Sighting> = {}) =>
        sighting({ ip, identifiers: ranked({ armis_device_id: name }), ...more }, seconds)
      const agent = (ip: string, seconds: number) =>
        sighting({ ip, uid: "serviceradar:agent:mover", isProof: false }, seconds)
      const states = Effect.map(
        all(DeviceAliasState.definition),
        (aliases) =>
          aliases.filter(({ deviceId, partition }) => partition === "move" && String(deviceId).startsWith("sr:")).map((
            { aliasType, aliasValue, sightingCount, state }
          ) => `${String(aliasType)} ${String(aliasValue)} ${String(state)} ${String(sightingCount)}`).toSorted()
      )
      const seen = (...sightings: ReadonlyArray<Sighting>) =>
        sight(...sightings.map((one) => ({ ...one, partition: "move" })))
      const collector = { aliases: [{ type: "collector_ip", value: "10.11.0.9" }] } as const

      // Nobody knows the machine yet, and an agent is no proof of itself.
      assert.deepInclude(yield* seen(agent("10.11.0.1", 0)), { made: 0, changed: 0, refused: 0 })
      yield* seen(machine("left", "10.11.0.1", 0, collector), machine("right", "10.11.0.2", 0, collector))
      const both = Array.from({ length: 2 }, () => "collector_ip 10.11.0.9 detected 1")
      yield* seen(agent("10.11.0.1", minute), agent("10.11.0.1", minute), agent("10.11.0.1", 2 * minute))
      assert.deepStrictEqual(yield* states, [...both, "service_id serviceradar:agent:mover detected 2"])
      const third = agent("10.11.0.1", 3 * minute)
      yield* seen(third)
      yield* seen(third)
      assert.deepStrictEqual(yield* states, [...both, "service_id serviceradar:agent:mover confirmed 3"])
      yield* seen(agent("10.11.0.2", 70 * minute))
      assert.deepStrictEqual(yield* states, [
        ...both,
        "service_id serviceradar:agent:mover detected 1",
        "service_id serviceradar:agent:mover replaced 3"
      ])
      const aliases = (yield* all(DeviceAliasState.definition)).filter(({ aliasValue }) =>
        aliasValue === "serviceradar:agent:mover"
      )
      const [held, lost] = ["detected", "replaced"].map((state) => aliases.find((one) => one["state"] === state))
      assert.strictEqual(lost?.["replacedByAliasId"], held?.["id"])
    }))

  it.effect("hand the services that run on them to the device that they turn out to be", () =>
    Effect.gen(function*() {
      const ip = "10.12.0.1"
      const services = Effect.map(all(DeviceAliasState.definition), (aliases) =>
        aliases.filter(({ aliasValue }) => aliasValue === "serviceradar:agent:kept"))
      yield* sight(sighting({ ip }), sighting({ ip, uid: "serviceradar:agent:kept", isProof: false }, 60))
      assert.lengthOf(yield* services, 1)
      yield* sight(sighting({ ip, identifiers: ranked({ netbox_device_id: "n-12" }) }, 120))
      const [own] = (yield* withIp(ip)).filter(({ lifecycle }) =>
        lifecycle !== "decommissioned"
      )
      assert.deepStrictEqual(
        (yield* services).map(({ deviceId, state }) => [deviceId === own?.["uid"], state]).toSorted(),
        [[false, "replaced"], [true, "detected"]]
      )
    }))
})
