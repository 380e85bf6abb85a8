/** Agents by their addresses, in the configuration. */
import { Duration, Effect } from "effect"
import { AgentId } from "../../../domain/monitoring/Ids.ts"
import type { Listed } from "../../../domain/poller/discovery/DiscoveryConfig.ts"
import type { AgentDirectory } from "../../../services/poller/discovery/AgentDirectory.ts"

/** It never says anything else. */
const interval = Duration.hours(1)

export const make = (listed: ReadonlyArray<Listed>): AgentDirectory => ({
  source: "static",
  name: "discovery.static",
  interval,
  ask: Effect.succeed(listed.map(({ address, agentId }) => ({
    agentId: AgentId.make(agentId),
    address,
    source: "static",
    identity: "",
    version: "",
    capabilities: [],
    checks: []
  })))
})
