/** Names that machines have beside their own, through random sequences of sightings, against a model that knows each rule once. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as FastCheck from "fast-check"
import { defaultTenantId } from "../../../src/domain/identity/Tenant.ts"
import * as Identity from "../../../src/domain/inventory/devices/IdentityResolution.ts"
import { ranked, type Sighting } from "../../../src/domain/inventory/devices/Sighting.ts"
import { system } from "../../../src/domain/records/Actor.ts"
import type { Stored } from "../../../src/domain/records/Record.ts"
import { sha256 } from "../../../src/layers/inventory/InventoryFacts.ts"
import { knownOf, SightedBatch } from "../../../src/layers/inventory/SightedBatch.ts"
import type { Draft } from "../../../src/layers/records/RecordBulk.ts"
import * as Directory from "../../../src/services/identity/Directory.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** A machine is seen by a collector or a sweep, or a service of ours at its address; again is the step before, come twice. */
interface Step {
  readonly kind: "machine" | "service" | "again"
  readonly machine: number
  readonly name: number
  readonly afterMillis: number
}

const step: FastCheck.Arbitrary<Step> = FastCheck.record({
  kind: FastCheck.constantFrom("machine", "service", "service", "again"),
  machine: FastCheck.nat(2),
  name: FastCheck.nat(2),
  afterMillis: FastCheck.constantFrom(0, minute / 2, minute, minute, 2 * hour, 3 * day, 8 * day, 31 * day)
})

interface Seen {
  readonly kind: "machine" | "service"
  readonly machine: number
  /** Of the service, or of the collector; none of a sweep. */
  readonly value: string
  readonly atMillis: number
}

const seenIn = (steps: ReadonlyArray<Step>): ReadonlyArray<Seen> => {
  const all: Array<Seen> = []
  let atMillis = Date.parse("2026-03-05T12:00:00Z")
  for (const { afterMillis, kind, machine, name } of steps) {
    const last = all.at(-1)
    atMillis += afterMillis
    if (kind !== "again") {
      const value = kind === "service" ? `serviceradar:agent:${name}` : name === 0 ? "" : `10.8.0.${name}`
      all.push({ kind, machine, value, atMillis })
    } else if (last !== undefined) all.push(last)
  }
  return all
}

const ipOf = (machine: number) => `10.9.0.${machine + 1}`

const sightingOf = ({ atMillis, kind, machine, value }: Seen): Sighting => ({
  partition: "default",
  uid: kind === "service" ? value : "",
  identifiers: kind === "service" ? [] : ranked({ armis_device_id: `m${machine}` }),
  ip: ipOf(machine),
  hostname: "",
  mac: "",
  isAvailable: undefined,
  isProof: kind === "machine",
  source: "test",
  pollerId: "",
  agentId: "",
  seenAt: DateTime.makeUnsafe(atMillis),
  ...(kind === "machine" && value !== "" ? { aliases: [{ type: "collector_ip", value }] } : {})
})

interface Alias {
  state: string
  count: number
  lastMillis: number
}

/** By machine and value; the states that there were on the way go to `met`. */
const modelled = (all: ReadonlyArray<Seen>, met: Set<string>): ReadonlyMap<string, Alias> => {
  const aliases = new Map<string, Alias>()
  const machines = new Map<number, number>()
  const isOut = ({ state }: Alias) => state === "replaced" || state === "archived"
  const said = (key: string, atMillis: number) => {
    const alias = aliases.get(key)
    if (alias === undefined || (isOut(alias) && atMillis > alias.lastMillis)) {
      aliases.set(key, { state: "detected", count: 1, lastMillis: atMillis })
    } else if (!isOut(alias) && atMillis >= alias.lastMillis + minute) {
      alias.count += 1
      alias.lastMillis = atMillis
      if (alias.state === "stale" || alias.count >= 3) alias.state = "confirmed"
    }
  }
  for (const { atMillis, kind, machine, value } of all) {
    for (const { state } of aliases.values()) met.add(state)
    const key = `${machine} ${value}`
    const last = machines.get(machine)
    if (kind === "service") {
      if (last === undefined) continue
      said(key, atMillis)
      for (const [other, alias] of aliases) {
        const isOthers = other !== key && other.endsWith(` ${value}`)
        if (isOthers && !isOut(alias) && atMillis > alias.lastMillis + hour) alias.state = "replaced"
      }
      continue
    }
    if (value !== "") said(key, atMillis)
    if (last === undefined || atMillis >= last + minute) machines.set(machine, atMillis)
    if (last !== undefined && atMillis < last) continue
    for (const [other, alias] of aliases) {
      if (!other.startsWith(`${machine} `) || (value !== "" && other === key)) continue
      const agoMillis = atMillis - alias.lastMillis
      if (agoMillis > 30 * day) alias.state = "archived"
      else if (agoMillis > 7 * day && !isOut(alias)) alias.state = "stale"
    }
  }
  return aliases
}

/** An inventory that keeps what a slice after the other makes of it. */
class Inventory {
  readonly #kept = new Map<string, Map<string, Stored>>()

  take(slice: ReadonlyArray<Sighting>): void {
    const actor = system(defaultTenantId)
    const context = { asker: Directory.asking(actor, "test"), tenant: defaultTenantId, now: DateTime.makeUnsafe(0) }
    const found = {
      devices: this.all("device"),
      identifiers: this.all("device-identifier"),
      merges: this.all("merge-audit"),
      aliases: this.all("device-alias-state"),
      interfaces: []
    }
    const batch = new SightedBatch(context, found)
    const resolutions = Identity.resolveAll(knownOf(found), slice, sha256)
    for (const [at, sighting] of slice.entries()) {
      const resolution = resolutions[at]
      if (resolution !== undefined) batch.add(sighting, resolution)
    }
    assert.deepStrictEqual(batch.refusals, [])
    for (const draft of [...batch.devices, ...batch.identifiers, ...batch.merges, ...batch.aliases]) this.#keep(draft)
  }

  all(name: string): ReadonlyArray<Stored> {
    return [...this.#kept.get(name)?.values() ?? []]
  }

  #keep({ after, definition, key }: Draft): void {
    const kept = this.#kept.get(definition.name) ?? new Map<string, Stored>()
    this.#kept.set(definition.name, kept.set(key, { values: after, version: "" }))
  }
}

const machineOf = (inventory: Inventory, uid: unknown): string => {
  const device = inventory.all("device").find(({ values }) => values["uid"] === uid)
  return String([0, 1, 2].find((machine) => device?.values["ip"] === ipOf(machine)))
}

const takenIn = (slices: ReadonlyArray<ReadonlyArray<Seen>>): ReadonlyMap<string, Alias> => {
  const inventory = new Inventory()
  for (const slice of slices) inventory.take(slice.map(sightingOf))
  return new Map(
    inventory.all("device-alias-state").map(({ values }) => [
      `${machineOf(inventory, values["deviceId"])} ${String(values["aliasValue"])}`,
      {
        state: String(values["state"]),
        count: Number(values["sightingCount"]),
        lastMillis: DateTime.isDateTime(values["lastSeenAt"]) ? DateTime.toEpochMillis(values["lastSeenAt"]) : 0
      }
    ])
  )
}

const sorted = (aliases: ReadonlyMap<string, Alias>) => [...aliases].toSorted(([a], [b]) => a < b ? -1 : 1)

const slicesOf = (all: ReadonlyArray<Seen>, length: number) =>
  Array.from({ length: Math.ceil(all.length / length) }, (_, at) => all.slice(at * length, (at + 1) * length))

describe("The services and collectors of machines", () => {
  it("are what the model says, in slices of any length", () => {
    const states = new Set<string>()
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(step, { maxLength: 40, size: "max" }),
        FastCheck.integer({ min: 1, max: 40 }),
        (steps, length) => {
          const all = seenIn(steps)
          const expected = modelled(all, states)
          assert.deepStrictEqual(sorted(takenIn(slicesOf(all, length))), sorted(expected))
        }
      ),
      { numRuns: 400 }
    )
    assert.deepStrictEqual([...states].toSorted(), ["archived", "confirmed", "detected", "replaced", "stale"])
  })

  it("stay as they are when what was seen last is seen again", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(step, { maxLength: 30 }), (steps) => {
        const slices = slicesOf(seenIn(steps), 5)
        const last = slices.at(-1)
        const once = takenIn(slices)
        assert.deepStrictEqual(sorted(takenIn(last === undefined ? slices : [...slices, last.slice(-1)])), sorted(once))
      }),
      { numRuns: 200 }
    )
  })
})
