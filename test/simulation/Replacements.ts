/**
 * Processes that take over from those that run, as a new version is brought in: what an operator does with
 * `poller --replace`. Their randomness is their own.
 */
import * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import type { Seeded } from "../../src/domain/simulation/Seeded.ts"
import type { Act } from "../../src/services/simulation/Faults.ts"
import type { World } from "../../src/services/simulation/World.ts"

export const kind = "replace"

export const kinds = (pollers: ReadonlyArray<string>): ReadonlyArray<FaultPlan.Kind> => [{ kind, targets: pollers }]

/** By then it has taken over, or has given up: what it measures meanwhile waits in its memory. */
const takesMillis = 45_000
/** Between two of one poller. */
const apartMillis = 100_000

export const draw = (
  random: Seeded,
  pollers: ReadonlyArray<string>,
  options: Pick<FaultPlan.DrawOptions, "profile" | "fromMillis" | "untilMillis">
): ReadonlyArray<FaultPlan.Fault> => {
  const last = new Map<string, number>()
  const drawn = FaultPlan.draw(random, { ...options, hosts: pollers.length, kinds: kinds(pollers) }).flatMap(
    (fault) => {
      if (fault.atMillis - (last.get(fault.target) ?? -Infinity) < apartMillis) return []
      last.set(fault.target, fault.atMillis)
      return [{ ...fault, lastsMillis: takesMillis }]
    }
  )
  return [...drawn, ...quiet(random, pollers, options.untilMillis)]
}

/** After the last of the other faults, when their aftermath is over. */
const quietMillis = { least: 155_000, most: 185_000 }

/** Nobody may feel it, so it may be done while all else is left alone, when nothing else can be why a check has another time. */
const quiet = (random: Seeded, pollers: ReadonlyArray<string>, fromMillis: number): ReadonlyArray<FaultPlan.Fault> => {
  const atMillis = Math.round(fromMillis + random.between(quietMillis.least, quietMillis.most))
  const target = random.pick(pollers)
  const isDrawn = random.chance(0.5)
  return target === undefined || !isDrawn ? [] : [{ kind, target, atMillis, lastsMillis: takesMillis, amount: 1 }]
}

/** Of so many the new one is killed on the way, which takes it some tenths of a second. */
const killed = 0.4
const killedWithinMillis = 1_000

/** Of a fault: whether the new process is killed before it has taken over, or soon after. */
export const isKilled = (fault: FaultPlan.Fault): boolean => fault.kind === kind && fault.amount < killed

export const act = (world: World, onKill: (poller: string) => void): Act => (fault) => {
  const { amount, target } = fault
  const host = world.hosts.get(target)
  host?.replace()
  if (!isKilled(fault)) return
  world.after(amount / killed * killedWithinMillis, () => {
    host?.killReplacement()
    onKill(target)
  })
}
