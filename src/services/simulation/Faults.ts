/**
 * Carries a fault plan out: what is done to hosts, their clocks and disks, and to the links and connections between them.
 *
 * Each fault is taken back after its time, whatever the others do.
 */
import type { Fault, Kind } from "../../domain/simulation/FaultPlan.ts"
import type { Disk } from "./Disk.ts"
import type { Host } from "./Host.ts"
import type { Network } from "./Network.ts"
import type { World } from "./World.ts"

/** Begins it; answers how to take it back. */
export type Act = (fault: Fault) => (() => void) | void

export interface FaultTargets {
  readonly world: World
  readonly network: Network
  readonly disks?: ReadonlyMap<string, Disk>
  /** Kinds of the world's own. */
  readonly own?: Readonly<Record<string, Act>>
}

/** The greatest step of a clock, either way. */
const stepMaxMillis = 2 * 3_600_000
/** The greatest drift, in millionths: far more than a quartz has. */
const driftMax = 500

type HostAct = (host: Host, fault: Fault) => (() => void) | void

const hostActs: Readonly<Record<string, HostAct>> = {
  kill: (host) => host.kill(),
  restart: (host) => host.restart(),
  pause: (host) => {
    host.pause()
    return () => host.resume()
  },
  clockStep: (host, { amount }) => {
    host.stepClock((2 * amount - 1) * stepMaxMillis)
    return () => host.correctClock()
  },
  drift: (host, { amount }) => {
    host.setDrift((2 * amount - 1) * driftMax)
    return () => host.setDrift(0)
  }
}

const networkActs = (network: Network): Readonly<Record<string, Act>> => ({
  partition: ({ other = "", target }) => {
    const links = network.between(target, other)
    for (const link of links) link.cut()
    return () => links.forEach((link) => link.mend())
  },
  oneWay: ({ other = "", target }) => {
    const link = network.link(target, other)
    link.cut()
    return () => link.mend()
  },
  badLink: ({ amount, other = "", target }) => {
    const links = network.between(target, other)
    for (const link of links) {
      link.quality = {
        latencyMillis: 400 * amount,
        jitterMillis: 800 * amount,
        lossRate: 0.4 * amount,
        duplicateRate: 0.2 * amount,
        reorderRate: 0.5 * amount,
        bytesPerSecond: 1_000_000 * (1 - 0.95 * amount)
      }
    }
    return () => links.forEach((link) => link.restore())
  },
  reset: ({ other = "", target }) => network.reset(target, other),
  halfOpen: ({ other = "", target }) => network.halfOpen(target, other)
})

const diskActs = (disks: ReadonlyMap<string, Disk>): Readonly<Record<string, Act>> => ({
  diskFull: ({ target }) => {
    const disk = disks.get(target)
    if (disk === undefined) return
    disk.isFull = true
    return () => {
      disk.isFull = false
    }
  },
  diskSlow: ({ amount, target }) => {
    const disk = disks.get(target)
    if (disk === undefined) return
    disk.slowMillis = 2_000 * amount
    return () => {
      disk.slowMillis = 0
    }
  }
})

const powerOff = (world: World, disks: ReadonlyMap<string, Disk>): Act => ({ target }) => {
  const host = world.hosts.get(target)
  if (host === undefined) return
  host.powerOff()
  disks.get(target)?.losePower()
  return () => host.powerOn()
}

const wrongTime = (value: number): boolean => !Number.isFinite(value) || value < 0

/** What of a fault of these kinds is not there, so that nothing would be done. */
const wrongIn = (
  { amount, atMillis, kind, lastsMillis, other, target }: Fault,
  hosts: ReadonlyMap<string, unknown>,
  disks: ReadonlyMap<string, unknown>,
  isOfPair: boolean
): string | undefined => {
  const among = (names: ReadonlyMap<string, unknown>) => [...names.keys()].join(", ") || "none"
  if (wrongTime(atMillis)) return `atMillis is ${atMillis}, expected milliseconds from 0`
  if (wrongTime(lastsMillis)) return `lastsMillis is ${lastsMillis}, expected milliseconds from 0`
  if (!(amount >= 0 && amount <= 1)) return `amount is ${amount}, expected 0 to 1`
  const [what, names] = kind.startsWith("disk")
    ? ["a disk of these:", disks] as const
    : ["a host of these:", hosts] as const
  if (!names.has(target)) return `target is ${target}, expected ${what} ${among(names)}`
  if (isOfPair && (other === undefined || other === target || !hosts.has(other))) {
    return `other is ${other ?? "not there"}, expected another host of these: ${among(hosts)}`
  }
  return undefined
}

/**
 * Begins each fault at its time, and takes it back after its own. Throws when nothing would be done: a kind that is not
 * known, a host that is not in the world by now, a time that never comes. What `own` kinds aim at is the world's own.
 */
export const carryOut = (
  plan: ReadonlyArray<Fault>,
  { disks = new Map(), network, own = {}, world }: FaultTargets
): void => {
  const pairs = networkActs(network)
  const acts: Readonly<Record<string, Act>> = {
    ...Object.fromEntries(
      Object.entries(hostActs).map(([kind, act]): readonly [string, Act] => [kind, (fault) => {
        const host = world.hosts.get(fault.target)
        return host === undefined ? undefined : act(host, fault)
      }])
    ),
    ...pairs,
    ...diskActs(disks),
    powerOff: powerOff(world, disks),
    ...own
  }
  const unknown = plan.find(({ kind }) => !Object.hasOwn(acts, kind))
  if (unknown !== undefined) {
    throw new Error(`a fault's kind is ${unknown.kind}, expected ${Object.keys(acts).join(", ")}`)
  }
  for (const [at, fault] of plan.entries()) {
    if (Object.hasOwn(own, fault.kind)) continue
    const wrong = wrongIn(fault, world.hosts, disks, Object.hasOwn(pairs, fault.kind))
    if (wrong !== undefined) throw new Error(`fault ${at + 1}, ${fault.kind}: ${wrong}`)
  }
  for (const fault of plan) {
    world.after(fault.atMillis, () => {
      world.note("world", `${fault.kind} ${fault.target}${fault.other === undefined ? "" : ` ${fault.other}`} begins`)
      const takeBack = acts[fault.kind]?.(fault)
      if (takeBack === undefined) return
      world.after(fault.lastsMillis, () => {
        world.note(
          "world",
          `${fault.kind} ${fault.target}${fault.other === undefined ? "" : ` ${fault.other}`} is over`
        )
        takeBack()
      })
    })
  }
}

/** What can be done to any world. */
export const kinds = (
  hosts: ReadonlyArray<string>,
  pairs: ReadonlyArray<readonly [string, string]>
): ReadonlyArray<Kind> => [
  { kind: "kill", targets: hosts, isMoment: true, weight: 3 },
  { kind: "restart", targets: hosts, isMoment: true, weight: 2 },
  { kind: "pause", targets: hosts, weight: 2 },
  { kind: "powerOff", targets: hosts, weight: 1 },
  { kind: "clockStep", targets: hosts, weight: 1 },
  { kind: "drift", targets: hosts, weight: 1 },
  ...pairs.flatMap(([one, other]) => [
    { kind: "partition", targets: [one], others: [other] },
    { kind: "oneWay", targets: [one], others: [other] },
    { kind: "oneWay", targets: [other], others: [one] },
    { kind: "badLink", targets: [one], others: [other] },
    { kind: "reset", targets: [one], others: [other], isMoment: true },
    { kind: "halfOpen", targets: [one], others: [other], isMoment: true }
  ])
]
