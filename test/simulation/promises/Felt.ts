/** Who may still feel what was done, and who was left alone. */
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import { brokenMaxMillis } from "../parties/PollerFile.ts"
import * as Reloads from "../Reloads.ts"
import * as Replacements from "../Replacements.ts"
import * as Rotations from "../Rotations.ts"
import type { Parts } from "./Parts.ts"

/** How long after a fault a party may still feel it: a connection may be sought for a minute after long losses. */
export const aftermathMillis = 150_000
/** The same of what is changed in a file: a poller looks every two seconds, and a broken file delays that. */
const reloadedMillis = brokenMaxMillis + 30_000

/** Nobody may feel them: timers do not follow the time of day, and a configuration is nobody's whom it says nothing new of. */
const harmless = ["clockStep", ...Reloads.harmless, Replacements.kind, Rotations.kind]

/** Of these only the last check of its agent. */
const ofLastCheck = ["otherCheck"]

const aftermathOf: ReadonlyMap<string, number> = new Map(Reloads.ofAgents.map((kind) => [kind, reloadedMillis]))

/** Whether one of these faults goes on, or may still be felt. */
export const isFelt = (plan: ReadonlyArray<Fault>, nowMillis: number, concerns: (fault: Fault) => boolean): boolean => {
  for (const fault of plan) {
    if (fault.atMillis > nowMillis) continue
    const overMillis = nowMillis - fault.atMillis - fault.lastsMillis
    if (overMillis > aftermathMillis || overMillis > (aftermathOf.get(fault.kind) ?? aftermathMillis)) continue
    if (concerns(fault)) return true
  }
  return false
}

/** Whether nothing was done for a while to a check of an agent, nor to the agent, nor to its poller. */
export const isLeftAlone = ({ checks, plan, pollerOf, world }: Parts, agent: string, check = ""): boolean => {
  const poller = pollerOf(agent)
  // What concerns the last check concerns the one in its place, too.
  const isOther = check === "" || (checks.includes(check) && check !== checks.at(-1))
  return !isFelt(plan, world.nowMillis, ({ kind, other, target }) => {
    if (harmless.includes(kind) || (isOther && ofLastCheck.includes(kind))) return false
    return target === agent || target === poller || other === agent || other === poller
  })
}

/** The least and the most that may lie between two of a check now. */
export const intervalsOf = (
  { intervals, ownIntervalOf, pollerOf }: Pick<Parts, "intervals" | "ownIntervalOf" | "pollerOf">,
  agent: string,
  check: string
): readonly [least: number, most: number] => {
  const own = ownIntervalOf(check)
  return own === undefined ? intervals(pollerOf(agent)) : [own, own]
}

/** What ends the process of its target, or holds it up. */
export const ofProcess = ["kill", "restart", "pause", "powerOff", "killsAtCommit", Replacements.kind]

/**
 * Whether nothing was done for a while to a check of an agent, nor to the agent and its links, nor to the process of its
 * poller: whatever was done to others, to core and to what the poller keeps its statuses on, or by others of ill will.
 */
export const isSpared = ({ checks, plan, pollerOf, world }: Parts, agent: string, check: string): boolean => {
  const poller = pollerOf(agent)
  // One that comes and goes with a configuration has no usual time.
  if (!checks.includes(check)) return false
  return !isFelt(plan, world.nowMillis, ({ kind, other, target }) => {
    if (harmless.includes(kind) || (check !== checks.at(-1) && ofLastCheck.includes(kind))) return false
    return target === agent || other === agent || (target === poller && ofProcess.includes(kind))
  })
}

/** Since when nothing was in the way of core, or of its database. */
export const coreSpared = (plan: ReadonlyArray<Fault>, nowMillis: number): number => {
  const ends = plan.filter(({ atMillis, kind, other, target }) =>
    atMillis <= nowMillis &&
    (target === "database" || (target === "core" && (ofProcess.includes(kind) || other === "database")))
  ).map(({ atMillis, lastsMillis }) => Math.min(nowMillis, atMillis + lastsMillis))
  return nowMillis - Math.max(0, ...ends)
}
