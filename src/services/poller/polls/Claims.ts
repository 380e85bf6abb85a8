/**
 * Under whose name an agent's answer goes to core: its own, as it tells it, which need not be the one in the poller's
 * configuration; but nobody speaks for another agent of this poller. Two entries with one address are one agent.
 */
import { Effect, Metric } from "effect"
import * as PrintableText from "../../../domain/config/PrintableText.ts"
import type { AgentLink } from "../AgentLink.ts"
import * as PollerMetrics from "../PollerMetrics.ts"

export const isOthers = ({ addresses, terms: { agent } }: AgentLink, said: string): boolean => {
  if (said === "" || said === agent.agentId) return false
  const address = addresses.get(said)
  return address !== undefined && address !== agent.address
}

const told = new WeakSet<AgentLink>()

/** That it said so. */
export const note = (link: AgentLink, said: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const isNews = !told.has(link)
    told.add(link)
    const { agentId } = link.terms.agent
    return Effect.andThen(
      Metric.update(PollerMetrics.claimedNames, 1),
      isNews
        ? Effect.logWarning(
          `agent ${agentId} answers as ${
            PrintableText.json(said)
          }, the name of another agent of this poller: it is not ` +
            "believed, and its checks are reported under its own name"
        )
        : Effect.void
    )
  })
