/**
 * Configurations that become others while their programs run: what an operator does to the files of pollers and agents.
 *
 * Their randomness is their own, so that the other faults of a seed are the same with them and without.
 */
import * as FaultPlan from "../../src/domain/simulation/FaultPlan.ts"
import type { Seeded } from "../../src/domain/simulation/Seeded.ts"
import type { Act } from "../../src/services/simulation/Faults.ts"
import type { Network } from "../../src/services/simulation/Network.ts"
import { brokenMaxMillis, otherName, type PollerFile } from "./parties/PollerFile.ts"

interface Parties {
  readonly agents: ReadonlyArray<string>
  readonly pollers: ReadonlyArray<string>
}

/** Of these the poller's entry becomes another one. */
export const ofAgents = ["agentGone", "agentMoved", "otherCheck"] as const

export const kinds = ({ agents, pollers }: Parties): ReadonlyArray<FaultPlan.Kind> => [
  ...ofAgents.map((kind) => ({ kind, targets: agents, weight: 2 })),
  { kind: "otherInterval", targets: pollers },
  { kind: "brokenFile", targets: pollers },
  { kind: "otherChecker", targets: watchedAgents(agents), isMoment: true }
]

/** Those whose own files may change: to look at the files of each would cost more than it finds. */
export const watchedAgents = (agents: ReadonlyArray<string>): ReadonlyArray<string> => agents.slice(0, 4)

/** Nobody may feel these, beside whom they say something new of. */
export const harmless: ReadonlyArray<string> = ["otherInterval", "brokenFile", "otherChecker"]

export const draw = (
  random: Seeded,
  parties: Parties,
  options: Pick<FaultPlan.DrawOptions, "profile" | "hosts" | "fromMillis" | "untilMillis">
): ReadonlyArray<FaultPlan.Fault> => [
  ...FaultPlan.draw(random, { ...options, hosts: options.hosts / 4, kinds: kinds(parties) }).map((fault) => ({
    ...fault,
    lastsMillis: lastsMillis(fault)
  })),
  ...quiet(random, parties, options.untilMillis)
]

/** After the last of the other faults, when their aftermath is nearly over. */
const quietMillis = { least: 65_000, most: 85_000 }
/** Longer than all intervals, and over early enough for core to hear of the agent again. */
const goneMillis = 80_000

/** An agent is taken out while all else is left alone. */
const quiet = (random: Seeded, { agents }: Parties, fromMillis: number): ReadonlyArray<FaultPlan.Fault> => {
  const atMillis = fromMillis + random.between(quietMillis.least, quietMillis.most)
  const target = random.pick(agents)
  const isDrawn = random.chance(0.5)
  return target === undefined || !isDrawn
    ? []
    : [{ kind: "agentGone", target, atMillis: Math.round(atMillis), lastsMillis: goneMillis, amount: 0 }]
}

const lastsMillis = ({ kind, lastsMillis: drawn }: FaultPlan.Fault): number => {
  if (kind === "brokenFile") return Math.min(drawn, brokenMaxMillis)
  return kind === "otherInterval" ? Math.max(drawn, intervalLeastMillis) : drawn
}

/** Longer than it takes until nothing but the new one counts. */
const intervalLeastMillis = 120_000

interface Changing {
  readonly fileOf: (poller: string) => PollerFile | undefined
  readonly pollerOf: (agent: string) => string
  readonly network: Network
  /** Of an agent's own files. */
  readonly changeChecker: (agent: string) => void
}

const intervalsMillis = { least: 15_000, most: 45_000 }

/** The least and the most that a poller may ever have under this plan. */
export const intervalsIn = (plan: ReadonlyArray<FaultPlan.Fault>, usualMillis: number) => (poller: string) => {
  const isChanged = plan.some(({ kind, target }) => kind === "otherInterval" && target === poller)
  const { least, most } = intervalsMillis
  return isChanged
    ? [Math.min(least, usualMillis), Math.max(most, usualMillis)] as const
    : [usualMillis, usualMillis] as const
}

/** Nobody is reached by the one name while it has the other. */
const named = ({ network, pollerOf }: Changing, agent: string, isMoved: boolean): void => {
  network.alias(agent, isMoved ? nobody : agent)
  network.alias(otherName(agent), isMoved ? agent : nobody)
  network.reset(pollerOf(agent), agent)
}
const nobody = "nobody"

export const acts = (changing: Changing): Readonly<Record<string, Act>> => {
  const { changeChecker, fileOf, pollerOf } = changing
  const change = (what: Parameters<PollerFile["change"]>[1]): Act => ({ target }) =>
    fileOf(pollerOf(target))?.change(target, what)
  return {
    agentGone: change("gone"),
    agentMoved: ({ target }) => {
      const file = fileOf(pollerOf(target))
      const takeBack = file?.change(target, "moved")
      named(changing, target, true)
      return () => {
        takeBack?.()
        named(changing, target, file?.is(target, "moved") === true)
      }
    },
    otherCheck: change("otherCheck"),
    otherInterval: ({ amount, target }) => {
      const { least, most } = intervalsMillis
      return fileOf(target)?.setInterval(Math.round((least + amount * (most - least)) / 1_000) * 1_000)
    },
    brokenFile: ({ target }) => fileOf(target)?.break(),
    otherChecker: ({ target }) => changeChecker(target)
  }
}
