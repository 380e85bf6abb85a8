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
  return FaultPlan.draw(random, { ...options, hosts: pollers.length, kinds: kinds(pollers) }).flatMap((fault) => {
    if (fault.atMillis - (last.get(fault.target) ?? -Infinity) < apartMillis) return []
    last.set(fault.target, fault.atMillis)
    return [{ ...fault, lastsMillis: takesMillis }]
  })
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
