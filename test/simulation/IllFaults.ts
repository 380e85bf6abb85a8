/**
 * Agents of ill will, and parties that are away for so long that others have to say so: when, drawn from randomness of their
 * own, so that the other faults of a seed are the same with them and without.
 */
import * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import type { Seeded } from "../../src/domain/simulation/Seeded.ts"
import type { Act } from "../../src/services/simulation/Faults.ts"
import type { IllWill } from "./parties/IllWill.ts"

/** Of the faults that a profile has, on top. */
const share = 0.15

/** Longer than core waits for a poller. */
const absenceMillis = { least: 150_000, most: 200_000 }
const absenceChance = 0.5

/** A flood costs more than all else. */
export const kinds = (agents: ReadonlyArray<string>): ReadonlyArray<FaultPlan.Kind> => [
  { kind: "agentFloods", targets: agents },
  ...["agentDeceives", "agentPoisons"].map((kind) => ({ kind, targets: agents, weight: 2 }))
]

export interface Parties {
  readonly agents: ReadonlyArray<string>
  readonly pollers: ReadonlyArray<string>
}

export const draw = (
  random: Seeded,
  { agents, pollers }: Parties,
  times: Pick<FaultPlan.DrawOptions, "profile" | "fromMillis" | "untilMillis">
): ReadonlyArray<FaultPlan.Fault> => [
  ...FaultPlan.draw(random, { ...times, kinds: kinds(agents), hosts: agents.length, share }),
  ...(times.profile === "calm" ? [] : [pollers, agents].flatMap((names) => absence(random, names, times))),
  ...(times.profile === "calm" ? [] : quiet(random, agents, times.untilMillis))
]

/** After the last of the other faults; until their aftermath is over, so that nothing else can be why nobody says so. */
const quietMillis = { least: 15_000, most: 25_000, lasts: 160_000 }

/** An agent is away while all else is left alone. */
const quiet = (random: Seeded, agents: ReadonlyArray<string>, fromMillis: number): ReadonlyArray<FaultPlan.Fault> => {
  const atMillis = fromMillis + random.between(quietMillis.least, quietMillis.most)
  const target = random.pick(agents)
  const isDrawn = random.chance(0.5)
  return target === undefined || !isDrawn
    ? []
    : [{ kind: "powerOff", target, atMillis: Math.round(atMillis), lastsMillis: quietMillis.lasts, amount: 0 }]
}

/** At most one. */
const absence = (
  random: Seeded,
  names: ReadonlyArray<string>,
  { fromMillis, untilMillis }: Pick<FaultPlan.DrawOptions, "fromMillis" | "untilMillis">
): ReadonlyArray<FaultPlan.Fault> => {
  const lastsMillis = random.between(absenceMillis.least, absenceMillis.most)
  const target = random.pick(names)
  const isDrawn = random.chance(absenceChance)
  if (target === undefined || !isDrawn || untilMillis - lastsMillis < fromMillis) return []
  const atMillis = random.between(fromMillis, Math.floor(untilMillis - lastsMillis))
  return [{ kind: "powerOff", target, atMillis, lastsMillis, amount: Math.round(random.next() * 1_000) / 1_000 }]
}

const toggled = (wills: ReadonlyMap<string, IllWill>, name: keyof IllWill): Act => ({ target }) => {
  const will = wills.get(target)
  if (will === undefined) return
  will[name] = true
  return () => {
    will[name] = false
  }
}

export const acts = (wills: ReadonlyMap<string, IllWill>): Readonly<Record<string, Act>> => ({
  agentFloods: toggled(wills, "floods"),
  agentDeceives: toggled(wills, "deceives"),
  agentPoisons: toggled(wills, "poisons")
})
