/** What holds in an installation, whatever is done to it. */
import { isUtf8 } from "node:buffer"
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import type { World } from "../../../src/services/simulation/World.ts"
import { isChecker } from "../parties/Agents.ts"
import * as Reloads from "../Reloads.ts"
import * as Replacements from "../Replacements.ts"
import * as Rotations from "../Rotations.ts"
import * as Felt from "./Felt.ts"
import type { Parts } from "./Parts.ts"

const lookEveryMillis = 10_000
/** How much later than its interval a check may run with which nobody interferes. */
const lateMillis = 2_000
/** How much earlier, where a round before was late. */
const earlyMillis = 5_000
const connectionsMaxPerAgent = 4
/** Pairs of hosts beside those of agents, without sync and with it. */
const otherPairs = { few: 8, withSync: 11 }

const isolate = (parts: Parts, agent: string, check: string, sinceMillis: number): void => {
  const { world } = parts
  const late = sinceMillis - Felt.intervalsOf(parts, agent, check)[1]
  if (late <= lateMillis || !Number.isFinite(late) || world.nowMillis < Felt.aftermathMillis) return
  if (!Felt.isSpared(parts, agent, check)) return
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
  const isDelayed = Felt.isFelt(
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
  if (Felt.isFelt(plan, world.nowMillis, ({ kind, target }) => kind === "pause" && target === agent)) return
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
    const isOther = Felt.isFelt(
      plan,
      world.nowMillis,
      ({ kind, target }) =>
        (target === agent && Reloads.ofAgents.some((one) => one === kind)) ||
        (target === poller && Felt.ofProcess.includes(kind))
    )
    if (isOther) continue
    const unsaid = checks.find((check) =>
      truth.isFresh(poller, since + Felt.intervalsOf(parts, agent, check)[1] + saidWithinMillis) &&
      !truth.isAway(`${agent}/${check}`, since)
    )
    if (unsaid === undefined) continue
    world.violate(
      "an agent that is away is said to be in time",
      `${agent} is away since ${(since / 1_000).toFixed(0)} s, and ${poller} says nothing of ${unsaid}`
    )
  }
}

/** Checks of agents that nothing was done to for a while, nor to their poller, and how late each is. */
const undisturbed = (parts: Parts) => {
  const { agents, checks, measurements } = parts
  return agents.flatMap((agent) => {
    const alone = [checks.slice(0, -1), checks.slice(-1)].flatMap((some) =>
      some.length > 0 && Felt.isLeftAlone(parts, agent, some[0]) ? some : []
    )
    return alone.map((check) => ({
      agent,
      check,
      lateMillis: measurements.sinceMillis(agent, check) - Felt.intervalsOf(parts, agent, check)[1]
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
    const [least, most] = Felt.intervalsOf(parts, agent, check)
    // Where the interval is another one, the rounds begin anew.
    if (least < most || sinceMillis > least - earlyMillis || !Felt.isLeftAlone(parts, agent, check)) return
    // What one has measured that is gone is measured again by the other.
    if (
      Felt.isFelt(plan, world.nowMillis, (fault) => fault.target === pollerOf(agent) && Replacements.isKilled(fault))
    ) {
      return
    }
    world.violate(
      "a check that nobody interferes with keeps its time",
      `${agent}/${check} was made again after ${(sinceMillis / 1_000).toFixed(1)} s`
    )
  }
  network.onDial = (from, to) => {
    if (isChecker(to)) return soughtAt(parts, from, to)
    if (from !== pollerOf(to) || world.nowMillis < Felt.aftermathMillis || !Felt.isLeftAlone(parts, to)) return
    // Another process has connections of its own, and renewed certificates are shown on a new one.
    const isNew = ({ kind, target }: Fault) =>
      kind === Rotations.kind || (kind === Replacements.kind && target === from)
    if (Felt.isFelt(plan, world.nowMillis, isNew)) return
    world.violate("a connection that nobody interferes with stays", `${from} dials ${to} again`)
  }
  const pairs = agents.length + (world.hosts.has("sync") ? otherPairs.withSync : otherPairs.few)
  const look = () => {
    world.after(lookEveryMillis, look)
    if (world.nowMillis < Felt.aftermathMillis) return
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
    for (const poller of pollers) presence.look(poller, Felt.coreSpared(plan, world.nowMillis))
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
