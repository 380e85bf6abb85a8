/**
 * Which address and name this poller and its agents are reported under.
 *
 * Candidates are tried in order; the first that is an address or resolves to one wins. A name that does not resolve is
 * passed over, so that an unreachable name server leaves the poller working. Answers are kept for `keptFor`, because
 * they are needed with every status.
 */
import { Cache, Context, Duration, Effect, Layer, Option } from "effect"
import type { AgentId } from "../../domain/monitoring/Ids.ts"
import * as IpAddress from "../../domain/monitoring/IpAddress.ts"
import { type AgentHost, hostOf } from "../../domain/monitoring/reports/envelope/Enrichment.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import { HostNetwork } from "../monitoring/HostNetwork.ts"

export interface Options {
  /** What the operator says about this poller, most important first. */
  readonly sourceIps: ReadonlyArray<string>
  /** What the operator says about an agent outside the configuration file. */
  readonly agentIp: (agentId: AgentId) => Effect.Effect<Option.Option<string>>
}

const keptFor = Duration.minutes(5)
const keptMax = 20_000

/** Words in a configuration that ask for detection instead of naming an address. */
const detectWords: ReadonlySet<string> = new Set(["", "auto", "poller", "agent", "localhost"])

export class HostIdentity extends Context.Service<HostIdentity, {
  /** Empty when nothing is found. */
  readonly sourceIp: Effect.Effect<string>
  /** The host an agent speaks for. */
  readonly agentHost: (agent: PolledAgent) => Effect.Effect<AgentHost>
}>()("serviceradar/services/poller/HostIdentity") {
  static readonly layer = (options: Options) => Layer.effect(this, make(options))

  /** Knows everybody by the name in the configuration; resolves nothing. */
  static readonly layerStatic = (sourceIp: string) =>
    Layer.succeed(this, {
      sourceIp: Effect.succeed(sourceIp),
      agentHost: (agent) => Effect.succeed({ ip: Option.none(), name: hostOf(agent.address) })
    })
}

const make = Effect.fnUntraced(function*({ agentIp, sourceIps }: Options) {
  const network = yield* HostNetwork
  const firstAddress = Effect.fnUntraced(function*(candidates: ReadonlyArray<string>) {
    for (const candidate of candidates) {
      const ip = IpAddress.parse(candidate)
      const found = Option.isSome(ip) ? ip : yield* network.resolve(candidate)
      if (Option.isSome(found)) return found
    }
    return Option.none<string>()
  })
  const named = sourceIps.map((one) => hostOf(one.trim())).filter((one) => !detectWords.has(one.toLowerCase()))
  const findSourceIp = Effect.gen(function*() {
    const own = yield* network.addresses
    return Option.getOrElse(yield* firstAddress(named), () => own[0] ?? "")
  })
  const sourceIp = yield* Effect.cachedWithTTL(findSourceIp, keptFor)
  const findAgentHost = Effect.fnUntraced(function*(agentId: AgentId, address: string) {
    const addressHost = address.startsWith(":") ? "" : hostOf(address)
    const candidates = [...Option.toArray(yield* agentIp(agentId)), addressHost, agentId].filter((one) => one !== "")
    const ip = yield* firstAddress(candidates)
    const pollerIp = Option.filter(Option.some(yield* sourceIp), (one) => one !== "")
    return { ip: Option.orElse(ip, () => pollerIp), name: candidates[0] ?? agentId }
  })
  const hosts = yield* Cache.make({
    capacity: keptMax,
    timeToLive: keptFor,
    lookup: (agent: PolledAgent) => findAgentHost(agent.agentId, agent.address)
  })
  return { sourceIp, agentHost: (agent: PolledAgent) => Cache.get(hosts, agent) }
})
