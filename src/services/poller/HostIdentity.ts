/**
 * Which address and name a poller or agent is reported under.
 *
 * Candidates are tried in order; the first that is an address or resolves to one wins. A name that does not resolve is
 * passed over, so that an unreachable name server leaves the poller working.
 */
import { Effect, Option } from "effect"
import { type AgentHost, hostOf } from "../../domain/monitoring/Enrichment.ts"
import * as IpAddress from "../../domain/monitoring/IpAddress.ts"
import type { PolledAgent } from "../../domain/monitoring/PollerConfig.ts"
import { HostNetwork } from "./HostNetwork.ts"

/** Words in a configuration that ask for detection instead of naming an address. */
const detectWords: ReadonlySet<string> = new Set(["", "auto", "poller", "agent", "localhost"])

/** The poller's own address; empty when nothing is found. */
export const sourceIp = Effect.fnUntraced(function*(candidates: ReadonlyArray<string>) {
  const network = yield* HostNetwork
  const named = candidates.map((one) => hostOf(one.trim())).filter((one) => !detectWords.has(one.toLowerCase()))
  const found = yield* firstAddress(named)
  const own = yield* network.addresses
  return Option.getOrElse(found, () => own[0] ?? "")
})

/** The host an agent speaks for. `override` is what the operator says about it in the environment. */
export const agentHost = Effect.fnUntraced(function*(
  agent: PolledAgent,
  override: Option.Option<string>,
  pollerIp: string
): Effect.fn.Return<AgentHost, never, HostNetwork> {
  const addressHost = agent.address.startsWith(":") ? "" : hostOf(agent.address)
  const candidates = [...Option.toArray(override), addressHost, agent.agentId, pollerIp].filter((one) => one !== "")
  const ip = yield* firstAddress(candidates)
  return { ip, name: candidates[0] ?? agent.agentId }
})

const firstAddress = Effect.fnUntraced(function*(candidates: ReadonlyArray<string>) {
  const network = yield* HostNetwork
  for (const candidate of candidates) {
    const ip = IpAddress.parse(candidate)
    const found = Option.isSome(ip) ? ip : yield* network.resolve(candidate)
    if (Option.isSome(found)) return found
  }
  return Option.none<string>()
})
