/** What holds in an installation, whatever is done to it. */
import { isUtf8 } from "node:buffer"
import type { Fault } from "../../src/domain/simulation/FaultPlan.ts"
import type { Disk } from "../../src/services/simulation/Disk.ts"
import type { Network } from "../../src/services/simulation/Network.ts"
import type { Broken, Healed } from "../../src/services/simulation/Simulation.ts"
import type { World } from "../../src/services/simulation/World.ts"
import { type EventBooks, forgivenMillis, type Lost, type StatusBooks } from "./Books.ts"
import type { Measurements } from "./Measurements.ts"
import { isChecker } from "./parties/Agents.ts"
import type { Nats } from "./parties/Nats.ts"
import { brokenMaxMillis } from "./parties/PollerFile.ts"
import type { Presence } from "./Presence.ts"
import * as Reloads from "./Reloads.ts"
import * as Replacements from "./Replacements.ts"
import * as Rotations from "./Rotations.ts"
import type { Truth } from "./Truth.ts"

/** Where the file of an agent has a checker, since it was changed last. */
export interface Checker {
  readonly host: string
  readonly sinceMillis: number
}

export interface Parts {
  readonly world: World
  readonly network: Network
  readonly measurements: Measurements
  readonly statuses: StatusBooks
  readonly events: EventBooks
  readonly nats: Nats
  readonly agents: ReadonlyArray<string>
  readonly pollers: ReadonlyArray<string>
  readonly truth: Truth
  readonly presence: Presence
  readonly checks: ReadonlyArray<string>
  /** Of a check, where it has one of its own. */
  readonly ownIntervalOf: (check: string) => number | undefined
  readonly pollerOf: (agent: string) => string
  readonly plan: ReadonlyArray<Fault>
  readonly intervalMillis: number
  /** By agent. */
  readonly checkers: ReadonlyMap<string, Checker>
  /** How long the agent has been out of a file of its poller's that can be used. */
  readonly goneMillis: (agent: string) => number
  /** The least and the most that may count at a poller now. */
  readonly intervals: (poller: string) => readonly [least: number, most: number]
}

const lookEveryMillis = 10_000
/** How much later than its interval a check may run with which nobody interferes. */
const lateMillis = 2_000
/** How long after a fault a party may still feel it: a connection may be sought for a minute after long losses. */
const aftermathMillis = 150_000
/** The same of what is changed in a file: a poller looks every two seconds, and a broken file delays that. */
const reloadedMillis = brokenMaxMillis + 30_000
/** How much earlier, where a round before was late. */
const earlyMillis = 5_000
/** Beside the interval, until a status is stored: the batch, and a retry. */
const storedWithinMillis = 15_000
const connectionsMaxPerAgent = 4
/** Pairs of hosts beside those of agents, without sync and with it. */
const otherPairs = { few: 8, withSync: 11 }

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
const isLeftAlone = ({ checks, plan, pollerOf, world }: Parts, agent: string, check = ""): boolean => {
  const poller = pollerOf(agent)
  return !isFelt(plan, world.nowMillis, ({ kind, other, target }) => {
    if (harmless.includes(kind) || (check !== checks.at(-1) && ofLastCheck.includes(kind))) return false
    return target === agent || target === poller || other === agent || other === poller
  })
}

/** The least and the most that may lie between two of a check now. */
const intervalsOf = (
  { intervals, ownIntervalOf, pollerOf }: Pick<Parts, "intervals" | "ownIntervalOf" | "pollerOf">,
  agent: string,
  check: string
): readonly [least: number, most: number] => {
  const own = ownIntervalOf(check)
  return own === undefined ? intervals(pollerOf(agent)) : [own, own]
}

/** What ends the process of its target, or holds it up. */
const ofProcess = ["kill", "restart", "pause", "powerOff", "killsAtCommit", Replacements.kind]

/**
 * Whether nothing was done for a while to a check of an agent, nor to the agent and its links, nor to the process of its
 * poller: whatever was done to others, to core and to what the poller keeps its statuses on, or by others of ill will.
 */
const isSpared = ({ checks, plan, pollerOf, world }: Parts, agent: string, check: string): boolean => {
  const poller = pollerOf(agent)
  // One that comes and goes with a configuration has no usual time.
  if (!checks.includes(check)) return false
  return !isFelt(plan, world.nowMillis, ({ kind, other, target }) => {
    if (harmless.includes(kind) || (check !== checks.at(-1) && ofLastCheck.includes(kind))) return false
    return target === agent || other === agent || (target === poller && ofProcess.includes(kind))
  })
}

const isolate = (parts: Parts, agent: string, check: string, sinceMillis: number): void => {
  const { world } = parts
  const late = sinceMillis - intervalsOf(parts, agent, check)[1]
  if (late <= lateMillis || !Number.isFinite(late) || world.nowMillis < aftermathMillis) return
  if (!isSpared(parts, agent, check)) return
  world.violate(
    "what is done to others, or by them, makes no check late",
    `${agent}/${check} was ${(late / 1_000).toFixed(1)} s late`
  )
}

/** How long an agent that was taken out of the file may still be asked: a poller looks every two seconds. */
const letGoMillis = 15_000

/** These bring late what was asked for in time. */
const delaying = ["pause", "partition", "oneWay", "badLink", "brokenFile"]

/** Nobody asks an agent that its poller's file has no more. */
const letGo = ({ goneMillis, plan, pollerOf, world }: Parts, agent: string, check: string): void => {
  const gone = goneMillis(agent)
  if (gone <= letGoMillis) return
  const parties = [agent, pollerOf(agent)]
  const isDelayed = isFelt(
    plan,
    world.nowMillis,
    ({ kind, other, target }) => delaying.includes(kind) && (parties.includes(target) || parties.includes(other ?? ""))
  )
  if (isDelayed) return
  world.violate(
    "an agent that was taken out of the file is asked no more",
    `${agent}/${check} was made ${(gone / 1_000).toFixed(0)} s later`
  )
}

/** A checker is sought where the file has it now: an agent looks every two seconds. */
const soughtAt = ({ checkers, plan, world }: Parts, agent: string, host: string): void => {
  const checker = checkers.get(agent)
  if (checker === undefined || checker.host === host || world.nowMillis - checker.sinceMillis <= letGoMillis) return
  if (isFelt(plan, world.nowMillis, ({ kind, target }) => kind === "pause" && target === agent)) return
  world.violate(
    "a checker is sought where the agent's file has it",
    `${agent} dials ${host}, its file has ${checker.host}`
  )
}

/** How long until an agent that is away is said to be: its interval, a call that takes its time, a report. */
const saidWithinMillis = 60_000

/** An agent without a process is said to be unavailable by a poller that goes on, in all its checks. */
const lookForAway = (parts: Parts, downSince: Map<string, number>): void => {
  const { agents, checks, plan, pollerOf, truth, world } = parts
  for (const agent of agents) {
    if (world.hosts.get(agent)?.process !== undefined) {
      downSince.delete(agent)
      continue
    }
    const since = downSince.get(agent) ?? world.nowMillis
    downSince.set(agent, since)
    const poller = pollerOf(agent)
    const isOther = isFelt(
      plan,
      world.nowMillis,
      ({ kind, target }) =>
        (target === agent && Reloads.ofAgents.some((one) => one === kind)) ||
        (target === poller && ofProcess.includes(kind))
    )
    if (isOther) continue
    const unsaid = checks.find((check) =>
      truth.isFresh(poller, since + intervalsOf(parts, agent, check)[1] + saidWithinMillis) &&
      !truth.isAway(`${agent}/${check}`, since)
    )
    if (unsaid === undefined) continue
    world.violate(
      "an agent that is away is said to be in time",
      `${agent} is away since ${(since / 1_000).toFixed(0)} s, and ${poller} says nothing of ${unsaid}`
    )
  }
}

/** Since when nothing was in the way of core, or of its database. */
export const coreSpared = (plan: ReadonlyArray<Fault>, nowMillis: number): number => {
  const ends = plan.filter(({ atMillis, kind, other, target }) =>
    atMillis <= nowMillis &&
    (target === "database" || (target === "core" && (ofProcess.includes(kind) || other === "database")))
  ).map(({ atMillis, lastsMillis }) => Math.min(nowMillis, atMillis + lastsMillis))
  return nowMillis - Math.max(0, ...ends)
}

/** Checks of agents that nothing was done to for a while, nor to their poller, and how late each is. */
const undisturbed = (parts: Parts) => {
  const { agents, checks, measurements } = parts
  return agents.flatMap((agent) => {
    const alone = [checks.slice(0, -1), checks.slice(-1)].flatMap((some) =>
      some.length > 0 && isLeftAlone(parts, agent, some[0]) ? some : []
    )
    return alone.map((check) => ({
      agent,
      check,
      lateMillis: measurements.sinceMillis(agent, check) - intervalsOf(parts, agent, check)[1]
    }))
  })
}

/** For the live line. */
export const lateness = (parts: Parts): string => {
  const worst = undisturbed(parts).reduce((most, { lateMillis }) => Math.max(most, lateMillis), 0)
  return `worst lateness ${(worst / 1_000).toFixed(1)} s`
}

export const watch = (parts: Parts): void => {
  const { agents, measurements, nats, network, plan, pollerOf, pollers, presence, world } = parts
  const downSince = new Map<string, number>()
  measurements.onMeasured = (agent, check, sinceMillis) => {
    isolate(parts, agent, check, sinceMillis)
    letGo(parts, agent, check)
    const [least, most] = intervalsOf(parts, agent, check)
    // Where the interval is another one, the rounds begin anew.
    if (least < most || sinceMillis > least - earlyMillis || !isLeftAlone(parts, agent, check)) return
    // What one has measured that is gone is measured again by the other.
    if (isFelt(plan, world.nowMillis, (fault) => fault.target === pollerOf(agent) && Replacements.isKilled(fault))) {
      return
    }
    world.violate(
      "a check that nobody interferes with keeps its time",
      `${agent}/${check} was made again after ${(sinceMillis / 1_000).toFixed(1)} s`
    )
  }
  network.onDial = (from, to) => {
    if (isChecker(to)) return soughtAt(parts, from, to)
    if (from !== pollerOf(to) || world.nowMillis < aftermathMillis || !isLeftAlone(parts, to)) return
    // Another process has connections of its own, and renewed certificates are shown on a new one.
    const isNew = ({ kind, target }: Fault) =>
      kind === Rotations.kind || (kind === Replacements.kind && target === from)
    if (isFelt(plan, world.nowMillis, isNew)) return
    world.violate("a connection that nobody interferes with stays", `${from} dials ${to} again`)
  }
  const pairs = agents.length + (world.hosts.has("sync") ? otherPairs.withSync : otherPairs.few)
  const look = () => {
    world.after(lookEveryMillis, look)
    if (world.nowMillis < aftermathMillis) return
    const late = undisturbed(parts).find((one) => one.lateMillis > lateMillis)
    if (late !== undefined) {
      world.violate(
        "a check that nobody interferes with runs in time",
        `${late.agent}/${late.check} is ${(late.lateMillis / 1_000).toFixed(1)} s late`
      )
    }
    if (network.openConnections > connectionsMaxPerAgent * pairs) {
      world.violate("connections stay within their limits", `${network.openConnections} are open`)
    }
    lookForAway(parts, downSince)
    for (const poller of pollers) presence.look(poller, coreSpared(plan, world.nowMillis))
    if (nats.consumer.ackPendingCount > nats.consumer.options.maxAckPending) {
      world.violate("what is not acknowledged stays within its limit", `${nats.consumer.ackPendingCount} messages`)
    }
  }
  world.after(lookEveryMillis, look)
}

const decoder = new TextDecoder()

const nulEscape = /(?<!\\)(?:\\\\)*\\u0000/

/** What is larger is of a flood, all of it one letter. */
const readMax = 65_536

/** Existing cores lose a whole batch over a text that is none, or holds a NUL. */
export const accepted = (world: World, poller: string, message: Uint8Array): void => {
  if (message.length > readMax) return
  if (isUtf8(message) && !message.includes(0) && !nulEscape.test(decoder.decode(message))) return
  world.violate(
    "what a poller says is text that every database takes",
    `${poller}: ${decoder.decode(message).slice(0, 200)}`
  )
}

/** At each acknowledgement that reaches the server. */
export const settled = (
  { events, nats, world }: Pick<Parts, "world" | "events" | "nats">,
  sequence: number,
  how: "ack" | "term"
): void => {
  const message = nats.stream.get(sequence)
  // Settled before: an acknowledgement may come twice.
  if (message === undefined) return
  const body = /"body":"([^"]*)"/.exec(decoder.decode(message.data))?.[1]
  if (how === "term" || nats.letters.has(sequence)) {
    if (!nats.letters.has(sequence)) world.violate("nothing is given up that is not kept", `message ${sequence}`)
    return
  }
  if (body === undefined || !events.isVisible(body)) {
    world.violate("nothing is acknowledged before it is stored", `message ${sequence}`)
  }
}

/** What is left for the disk to take is written by then. */
const caughtUpMillis = 10_000

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
    if (!pollers.includes(target) || !["kill", "powerOff", "restart"].includes(kind)) continue
    const hasDisk = disks.has(target)
    const window = kind === "powerOff" ? forgivenMillis.powerLost : forgivenMillis.killed
    const since = heldBackSince(plan, target, atMillis)
    // A restart may take 15 s, after which the process is killed.
    const until = kind === "restart" ? [atMillis + 15_000] : [atMillis]
    for (const at of until) {
      const from = kind === "restart" && since === Infinity
        ? Infinity
        : Math.min(since - forgivenMillis.powerLost, at - window)
      world.after(at + 1, () => statuses.forgive(target, hasDisk ? from : -Infinity))
    }
  }
}

/** What was taken and lost, with where to look: when it was taken, and what was done to its poller then. */
const lostText = (lost: ReadonlyArray<Lost>, plan: ReadonlyArray<Fault>): Broken | undefined => {
  const first = lost.reduce<Lost | undefined>(
    (one, other) => one && one.atMillis <= other.atMillis ? one : other,
    undefined
  )
  if (first === undefined) return undefined
  const { atMillis, check, number, poller } = first
  const next = plan.find((fault) => fault.target === poller && fault.atMillis > atMillis)
  const [agent = ""] = check.split("/")
  return {
    detail: `${lost.length} statuses, first ${poller} ${check} ${number}, taken at ${(atMillis / 1_000).toFixed(3)} s`,
    about: {
      parties: [poller, agent, "core", "database"],
      atMillis: [atMillis, ...(next === undefined ? [] : [next.atMillis])]
    }
  }
}

/** When the faults are over and the world has had its time. */
export const healed = (parts: Parts, hasEvents: boolean): ReadonlyArray<Healed> => {
  const { agents, checks, events, intervalMillis, nats, ownIntervalOf, pollers, presence, statuses, world } = parts
  const intervalOf = (check: string): number => ownIntervalOf(check) ?? intervalMillis
  const longest = checks.reduce((most, check) => Math.max(most, intervalOf(check)), 0)
  const first = (all: ReadonlyArray<string>, what: string): string | undefined =>
    all.length === 0 ? undefined : `${all.length} ${what}, first ${all[0]}`
  return [
    {
      name: "nothing accepted is lost",
      broken: () => lostText(statuses.lostBefore(world.nowMillis - longest - storedWithinMillis), parts.plan)
    },
    {
      name: "core hears of every check again",
      broken: () =>
        first(
          agents.flatMap((agent) =>
            checks.filter((check) =>
              statuses.sinceStoredMillis(`${agent}/${check}`) > intervalOf(check) + storedWithinMillis
            ).map((check) => `${agent}/${check}`)
          ),
          "checks"
        )
    },
    {
      name: "core knows that every poller is there",
      broken: () => first(presence.away(pollers, coreSpared(parts.plan, world.nowMillis)), "pollers")
    },
    {
      name: "the books of statuses balance",
      broken: () => {
        const { dropped, gone, stored, taken, waiting } = statuses.counts
        return taken === stored + dropped + gone + waiting
          ? undefined
          : `${taken} taken, ${stored} stored, ${dropped} dropped, ${gone} gone, ${waiting} waiting`
      }
    },
    ...(hasEvents
      ? [{
        name: "the books balance",
        broken: () =>
          events.published === events.visible + nats.letters.size
            ? undefined
            : `${events.published} published, ${events.visible} stored, ${nats.letters.size} dead letters`
      }, {
        name: "what is no event is a dead letter",
        broken: () =>
          first([...events.undecodable].filter((one) => !nats.letters.has(one)).map((one) => `${one}`), "messages")
      }, {
        name: "nothing is left unacknowledged",
        broken: () => {
          const { ackPendingCount, pendingCount } = nats.consumer
          return ackPendingCount + pendingCount === 0
            ? undefined
            : `${pendingCount} pending, ${ackPendingCount} unacknowledged`
        }
      }]
      : [])
  ]
}
