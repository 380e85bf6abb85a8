/**
 * The agents that this poller polls now, and the configuration that says so.
 *
 * Another configuration is applied as the difference to the one that holds: an agent it says nothing new of keeps its
 * link, and with it connection, timers and sequences. Belongs to the layer, not to the tree: a restart of the children
 * goes on with the configuration that was read last.
 */
import { Context, Effect, Layer, Option, Semaphore, type Stream, SubscriptionRef } from "effect"
import type { AgentId } from "../../domain/monitoring/Ids.ts"
import type { PollerIdentity } from "../../domain/monitoring/reports/PolledStatus.ts"
import type { PolledAgent, PollerConfig } from "../../domain/poller/PollerConfig.ts"
import * as PollPhase from "../../domain/poller/PollPhase.ts"
import type { ConfigChange } from "../../domain/poller/reload/ConfigChange.ts"
import * as ConfigDiff from "../../domain/poller/reload/ConfigDiff.ts"
import * as AgentLink from "./AgentLink.ts"
import * as Lease from "./handover/Lease.ts"
import { Places } from "./polls/Places.ts"

export interface FleetState {
  readonly config: PollerConfig
  readonly links: ReadonlyMap<AgentId, AgentLink.AgentLink>
}

/** What became of a configuration. */
export interface Replaced {
  readonly changes: ReadonlyArray<ConfigChange>
  /** That holds now: what needs a restart is as before. */
  readonly config: PollerConfig
  /** Keys of the checks that there are no more. */
  readonly gone: ReadonlySet<string>
}

type IsPolledByOther = (agentId: AgentId) => boolean

export class Fleet extends Context.Service<Fleet, {
  readonly current: Effect.Effect<FleetState>
  /** The one that holds now, then each that takes its place. */
  readonly changes: Stream.Stream<FleetState>
  readonly replace: (next: PollerConfig) => Effect.Effect<Replaced>
}>()("serviceradar/services/poller/Fleet") {
  /** `isPolledByOther`: who is not this process's until another lets it go. */
  static readonly layer = (config: PollerConfig, isPolledByOther: IsPolledByOther = () => false) =>
    Layer.effect(this, make(config, isPolledByOther))
}

export const identityOf = ({ kvStoreId, partition, pollerId }: PollerConfig): PollerIdentity => ({
  pollerId,
  partition,
  kvStoreId
})

/** Agents of a large fleet that are looked for at the same time. */
const turnsMax = 32

/** Checks of all agents that are asked for at the same time. */
const placesMax = 4_096

const termsOf = (agent: PolledAgent, config: PollerConfig): AgentLink.AgentTerms => ({
  agent,
  poller: identityOf(config),
  pollInterval: config.pollInterval,
  phase: PollPhase.phaseOf(agent.agentId, config.agents.length, config.pollInterval)
})

const keysOf = (links: FleetState["links"]): ReadonlySet<string> =>
  new Set([...links.values()].flatMap(({ checks }) => checks.map(({ key }) => key)))

const make = Effect.fnUntraced(function*(config: PollerConfig, isPolledByOther: IsPolledByOther) {
  const turns = Semaphore.makeUnsafe(turnsMax)
  const places = Option.some(new Places(placesMax))
  const completions: AgentLink.AgentLink["completions"] = new Map()
  const addresses = new Map<string, string>()
  const noteAddresses = ({ agents }: PollerConfig) => {
    addresses.clear()
    for (const { address, agentId } of agents) addresses.set(agentId, address)
  }
  noteAddresses(config)
  const linkTo = (agent: PolledAgent, config: PollerConfig, before: ReadonlyArray<AgentLink.TrackedCheck> = []) =>
    AgentLink.make({
      ...termsOf(agent, config),
      places,
      completions,
      addresses,
      lease: Lease.make(!isPolledByOther(agent.agentId)),
      turns: PollPhase.isLarge(config.agents.length) ? Option.some(turns) : Option.none()
    }, before)
  const state = yield* SubscriptionRef.make<FleetState>({
    config,
    links: new Map(config.agents.map((agent) => [agent.agentId, linkTo(agent, config)]))
  })

  const revised = Effect.fnUntraced(function*(before: FleetState, config: PollerConfig, changes: Replaced["changes"]) {
    const dialled = new Set(changes.flatMap(dialledAnew))
    const touchesAll = changes.some(({ _tag }) => isForAll.has(_tag))
    const links = new Map<AgentId, AgentLink.AgentLink>()
    for (const agent of config.agents) {
      const link = before.links.get(agent.agentId)
      if (link === undefined || dialled.has(agent.agentId)) {
        links.set(agent.agentId, linkTo(agent, config, link?.checks))
        continue
      }
      links.set(agent.agentId, link)
      if (touchesAll || link.terms.agent !== agent) yield* AgentLink.revise(link, termsOf(agent, config))
    }
    // Whoever was to take them over has given up meanwhile.
    for (const [agentId, { lease }] of links) {
      if (before.links.get(agentId)?.lease !== lease && !isPolledByOther(agentId)) yield* lease.isHeld.open
    }
    return links
  })

  const replace = (next: PollerConfig) =>
    SubscriptionRef.modifyEffect(
      state,
      Effect.fnUntraced(function*(before): Effect.fn.Return<readonly [Replaced, FleetState]> {
        const changes = ConfigDiff.between(before.config, next)
        if (changes.length === 0) return [{ changes, config: before.config, gone: new Set<string>() }, before]
        const keys = keysOf(before.links)
        const config = ConfigDiff.apply(before.config, changes)
        noteAddresses(config)
        const links = yield* revised(before, config, changes)
        const kept = keysOf(links)
        const gone = new Set([...keys].filter((key) => !kept.has(key)))
        return [{ changes, config, gone }, { config, links }]
      }, Effect.uninterruptible)
    )

  return Fleet.of({ current: SubscriptionRef.get(state), changes: SubscriptionRef.changes(state), replace })
})

/** What every agent's terms say. */
const isForAll: ReadonlySet<ConfigChange["_tag"]> = new Set([
  "PollIntervalChanged",
  "IdentityChanged",
  "SpreadChanged"
])

/** Agents that are to be reached in another way than before. */
const dialledAnew = (change: ConfigChange): ReadonlyArray<AgentId> => {
  if (change._tag === "AgentAddressChanged") return [change.agentId]
  return change._tag === "SecurityChanged" ? Option.toArray(change.agentId) : []
}
