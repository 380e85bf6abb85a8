/**
 * What tells the checks of one poller apart: the agent, the type, the name, and which of several that share all three.
 *
 * It comes from what the check is, not from where it stands in the file, so that an entry before it moves nobody.
 */
import type { PolledAgent } from "./PollerConfig.ts"

/** One for each of the agent's checks, in their order. */
export const keysOf = ({ agentId, checks }: PolledAgent): ReadonlyArray<string> => {
  const seen = new Map<string, number>()
  return checks.map(({ serviceName, serviceType }) => {
    const name = JSON.stringify([agentId, serviceType, serviceName])
    const earlier = seen.get(name) ?? 0
    seen.set(name, earlier + 1)
    return earlier === 0 ? name : `${name} ${earlier + 1}`
  })
}
