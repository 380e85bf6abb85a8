/** What holds when the faults are over and the world has had its time. */
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import type { Broken, Healed } from "../../../src/services/simulation/Simulation.ts"
import type { Lost } from "../Books.ts"
import * as Felt from "./Felt.ts"
import type { Parts } from "./Parts.ts"

/** Beside the interval, until a status is stored: the batch, and a retry. */
const storedWithinMillis = 15_000

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
      broken: () => first(presence.away(pollers, Felt.coreSpared(parts.plan, world.nowMillis)), "pollers")
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
