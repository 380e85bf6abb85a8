/** Sync in a world: its source, where it leaves sweep configs, and somebody who reads what it serves. */
import { Effect, Option } from "effect"
import * as SweepPointer from "../../src/domain/inventory/SweepPointer.ts"
import type * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import { Exchange } from "../../src/services/simulation/Exchange.ts"
import * as Faults from "../../src/services/simulation/Faults.ts"
import type { Network } from "../../src/services/simulation/Network.ts"
import type { Healed } from "../../src/services/simulation/Simulation.ts"
import type { World } from "../../src/services/simulation/World.ts"
import { Inventory, type InventoryExchange } from "./parties/Inventory.ts"
import { type SweepExchange, SweepStoreModel } from "./parties/SweepStore.ts"
import * as Sync from "./parties/Sync.ts"
import * as SyncReader from "./parties/SyncReader.ts"
import * as SyncSpool from "./parties/SyncSpool.ts"
import * as SourceTimes from "./promises/SourceTimes.ts"

/** Hosts beside those without which nothing is synced. */
export const hosts = ["sync", "inventory", "kv", "reader"]

const pairs: ReadonlyArray<readonly [string, string]> = [["sync", "inventory"], ["sync", "kv"], ["reader", "sync"]]

export const kinds: ReadonlyArray<FaultPlan.Kind> = [
  // Its spool is a folder of this machine, of which a power failure takes nothing.
  ...Faults.kinds(hosts, pairs).filter(({ kind }) => kind !== "powerOff"),
  { kind: "sourceBreaks", targets: ["inventory"] },
  { kind: "sourceCuts", targets: ["inventory"] }
]

export interface SyncWorld {
  readonly acts: Readonly<Record<string, Faults.Act>>
  readonly healed: ReadonlyArray<Healed>
  readonly dispose: () => void
}

/** So many readings behind the latest, as one may be on its way. */
const behindMax = 1
const lookEveryMillis = 10_000

const judged = (world: World, inventory: Inventory) => {
  const last = { sequence: 0, reading: 0, atMillis: -Infinity, devices: new Map<number, string>() }
  const onCopy = ({ devices, retracted, sequence }: SyncReader.SyncCopy): void => {
    // Nothing was read yet.
    if (devices.size === 0 && retracted.size === 0) return
    const reading = inventory.readingOf(devices)
    if (reading === undefined) {
      return world.violate("sync never serves a mixture", `${devices.size} devices of ${sequence} are of no reading`)
    }
    const wrong = [...retracted].find((id) => reading.devices.has(id))
    if (wrong !== undefined) {
      world.violate("sync never retracts what its source has", `device ${wrong} of reading ${reading.number}`)
    }
    if (sequence < last.sequence || reading.number < last.reading) {
      world.violate(
        "sync never goes back",
        `reading ${reading.number} as ${sequence} after ${last.reading} as ${last.sequence}`
      )
    }
    const unsaid = SourceTimes.unsaid(last, { devices, retracted })
    if (unsaid !== undefined) {
      world.violate(
        "sync says what is gone",
        `device ${unsaid} is in reading ${last.reading} and not in ${reading.number}`
      )
    }
    Object.assign(last, { sequence, reading: reading.number, atMillis: world.nowMillis, devices })
  }
  return { last, onCopy }
}

export const add = (
  world: World,
  network: Network,
  devices: number,
  plan: ReadonlyArray<FaultPlan.Fault>,
  host: (name: string, program: () => Effect.Effect<unknown, unknown>) => void
): SyncWorld => {
  const inventory = new Inventory(world.random.split("inventory"), devices)
  const inventoryExchange: InventoryExchange = new Exchange(network, "80")
  const sweepExchange: SweepExchange = new Exchange(network, "4222")
  const spool = SyncSpool.make()
  const sweeps = new SweepStoreModel(() => world.nowMillis, (value, objects) => {
    const pointer = SweepPointer.parse(value)
    const object = Option.isSome(pointer) ? objects.get(pointer.value.objectKey) : undefined
    if (Option.isNone(pointer) || object?.bytes !== pointer.value.bytes) {
      world.violate("an agent's key names a whole object", value.slice(0, 200))
    }
  })
  const { last, onCopy } = judged(world, inventory)
  const times = { world, plan, intervalMillis: Sync.intervalMillis, parties: ["sync", "inventory"] }
  let readMillis = -Infinity
  inventory.onReading = () => {
    readMillis = world.nowMillis
  }
  const look = () => {
    world.after(lookEveryMillis, look)
    SourceTimes.look(times, readMillis)
  }
  world.after(lookEveryMillis, look)
  let processes = 0
  host("inventory", () => Effect.scoped(Effect.andThen(inventoryExchange.serve(inventory.handle), Effect.never)))
  host("kv", () => Effect.scoped(Effect.andThen(sweepExchange.serve(sweeps.handle), Effect.never)))
  host("sync", () => {
    processes += 1
    return Sync.program({ spool, inventory: inventoryExchange, sweeps: sweepExchange, process: processes })
  })
  host("reader", () => SyncReader.program(`sync:${Sync.port}`, onCopy))
  return {
    acts: {
      sourceBreaks: () => {
        inventory.breaks = true
        return () => {
          inventory.breaks = false
        }
      },
      sourceCuts: () => {
        inventory.cuts = true
        return () => {
          inventory.cuts = false
        }
      }
    },
    healed: [
      {
        name: "what sync serves is what its source has",
        broken: () => {
          const behind = inventory.readings - last.reading
          const ageMillis = world.nowMillis - last.atMillis
          return behind <= behindMax && ageMillis < 2 * SyncReader.everyMillis
            ? undefined
            : `reading ${last.reading} of ${inventory.readings}, read ${(ageMillis / 1_000).toFixed(0)} s ago`
        }
      },
      {
        name: "an agent's key is there",
        broken: () => sweeps.keys.keys().length === 1 ? undefined : `${sweeps.keys.keys().length} keys`
      }
    ],
    dispose: spool.remove
  }
}
