/**
 * Adds to a configuration the agents that came by themselves; those of the file come first, and keep their ids.
 *
 * Remembers the file's configuration, because both it and the agents change: whoever applies either does so alone.
 */
import { Context, Effect, Equal, Option, Semaphore } from "effect"
import type { Arrival } from "../../../domain/poller/discovery/Arrival.ts"
import type { DiscoveryConfig } from "../../../domain/poller/discovery/DiscoveryConfig.ts"
import * as DistinctChecks from "../../../domain/poller/DistinctChecks.ts"
import type { PolledAgent, PollerConfig } from "../../../domain/poller/PollerConfig.ts"

export interface ArrivedAgents {
  /** As the file has it, from now on; with those that are there. */
  readonly added: (file: PollerConfig) => Effect.Effect<PollerConfig>
  /** As the file had it last. */
  readonly file: () => PollerConfig | undefined
  readonly alone: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

const nobody: ArrivedAgents = {
  added: (file) => Effect.succeed(file),
  file: () => undefined,
  alone: (effect) => effect
}

export const ArrivedAgents = Context.Reference<ArrivedAgents>("serviceradar/services/poller/discovery/ArrivedAgents", {
  defaultValue: () => nobody
})

/** How they are asked, as one file has it. */
const asking = ({ checks, security }: DiscoveryConfig) => {
  // The very same for the same: whoever looks for differences finds none.
  const polled = new WeakMap<Arrival, PolledAgent>()
  return (arrival: Arrival): PolledAgent => {
    const known = polled.get(arrival)
    if (known !== undefined) return known
    const { address, agentId } = arrival
    const agent = { agentId, address, security, checks: DistinctChecks.distinct([...checks, ...arrival.checks]) }
    polled.set(arrival, agent)
    return agent
  }
}

export const make = (
  first: PollerConfig,
  arrivals: Effect.Effect<ReadonlyArray<Arrival>>
): ArrivedAgents => {
  const alone = Semaphore.makeUnsafe(1)
  let file = first
  let agentOf = Option.map(first.discovery, asking)

  return {
    file: () => file,
    alone: (effect) => alone.withPermit(effect),
    added: (next) =>
      Effect.map(arrivals, (all) => {
        if (!Equal.equals(next.discovery, file.discovery)) agentOf = Option.map(next.discovery, asking)
        file = next
        if (Option.isNone(agentOf)) return next
        const own = new Set(next.agents.map(({ agentId }) => agentId))
        const found = all.filter(({ agentId }) => !own.has(agentId)).map(agentOf.value)
        return { ...next, agents: [...next.agents, ...found] }
      })
  }
}
