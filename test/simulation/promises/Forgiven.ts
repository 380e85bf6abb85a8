/** What an end of a process or of the power may take along. */
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import type { Disk } from "../../../src/services/simulation/Disk.ts"
import type { World } from "../../../src/services/simulation/World.ts"
import { forgivenMillis, type StatusBooks } from "../Books.ts"
import * as Replacements from "../Replacements.ts"

/** What is left for the disk to take is written by then. */
const caughtUpMillis = 10_000
/** A process that is to end may take so long, and is killed then. */
const endMillisMax = 15_000

/**
 * Since when what was taken may still be in memory alone: a disk that takes nothing, or is slow, leaves it there, and a pause
 * that follows keeps it there. Infinite when nothing was in the way.
 */
export const heldBackSince = (plan: ReadonlyArray<Fault>, target: string, atMillis: number): number => {
  const ways = plan.filter((one) =>
    one.target === target && ["diskFull", "diskSlow", "pause", Replacements.kind].includes(one.kind)
  )
  const before = (millis: number): number =>
    ways.filter((one) => one.atMillis <= millis && one.atMillis + one.lastsMillis + caughtUpMillis >= millis)
      .reduce((earliest, one) => Math.min(earliest, one.atMillis), Infinity)
  let since = before(atMillis)
  for (let earlier = before(since); earlier < since; earlier = before(since)) since = earlier
  return since
}

/** The same of an end that takes its time, and is in no way itself. */
export const heldBackUntil = (plan: ReadonlyArray<Fault>, target: string, atMillis: number): number => {
  const others = plan.filter((one) => one.atMillis !== atMillis || one.kind !== Replacements.kind)
  return Math.min(heldBackSince(others, target, atMillis), heldBackSince(others, target, atMillis + endMillisMax))
}

interface Forgiving {
  readonly world: World
  readonly statuses: StatusBooks
  readonly disks: ReadonlyMap<string, Disk>
  readonly plan: ReadonlyArray<Fault>
  readonly pollers: ReadonlyArray<string>
}

/** What a kill at this moment may take along. */
export const forgiveKill = ({ disks, plan, pollers, statuses, world }: Forgiving, target: string): void => {
  if (!pollers.includes(target)) return
  const since = heldBackSince(plan, target, world.nowMillis)
  const from = Math.min(since - forgivenMillis.powerLost, world.nowMillis - forgivenMillis.killed)
  statuses.forgive(target, disks.has(target) ? from : -Infinity)
}

/** What a kill or a power failure may take along; nothing else may. */
export const forgive = ({ disks, plan, pollers, statuses, world }: Forgiving): void => {
  for (const { atMillis, kind, target } of plan) {
    if (!pollers.includes(target) || !["kill", "powerOff", "restart", Replacements.kind].includes(kind)) continue
    const hasDisk = disks.has(target)
    const window = kind === "powerOff" ? forgivenMillis.powerLost : forgivenMillis.killed
    const isEnded = kind === "restart" || kind === Replacements.kind
    // It ends by itself, and what a full disk left in its memory, of which the log tells, ends with it.
    const at = isEnded ? atMillis + endMillisMax : atMillis
    const since = isEnded ? heldBackUntil(plan, target, atMillis) : heldBackSince(plan, target, atMillis)
    const from = isEnded && since === Infinity ? Infinity : Math.min(since - forgivenMillis.powerLost, at - window)
    world.after(at + 1, () => statuses.forgive(target, hasDisk ? from : -Infinity))
  }
}
