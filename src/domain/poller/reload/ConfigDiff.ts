/**
 * What a poller that runs has to do to be one of another configuration, and what it is then.
 *
 * The order of agents and of checks in the file means nothing, except between checks of the same type and name.
 */
import { Equal, Option } from "effect"
import * as CheckKey from "../CheckKey.ts"
import type { PolledAgent, PollerConfig } from "../PollerConfig.ts"
import * as PollPhase from "../PollPhase.ts"
import type { RolloutConfig } from "../rollout/Rollout.ts"
import type { ChecksChanged, ConfigChange, RestartKey } from "./ConfigChange.ts"

type Compare = (before: PollerConfig, next: PollerConfig) => ReadonlyArray<ConfigChange>

const changed = <A>(from: A, to: A, change: (values: { readonly from: A; readonly to: A }) => ConfigChange) =>
  Equal.equals(from, to) ? [] : [change({ from, to })]

const onRestart = (key: RestartKey): Compare => (before, next) =>
  Equal.equals(before[key], next[key]) ? [] : [{ _tag: "RestartNeeded", key }]

const identityOf = ({ kvStoreId, partition }: PollerConfig) => ({ kvStoreId, partition })

/** Of a rollout: what the process is made of. */
const madeOf = ({ folder, isShadow, shadowBytesMax }: RolloutConfig) => ({ folder, isShadow, shadowBytesMax })

const betweenRollouts: Compare = ({ rollout: before }, { rollout: next }) => {
  const isSameProcess = Equal.equals(Option.map(before, madeOf), Option.map(next, madeOf))
  const restart: ReadonlyArray<ConfigChange> = isSameProcess ? [] : [{ _tag: "RestartNeeded", key: "rollout" }]
  if (Option.isNone(before) || Option.isNone(next)) return restart
  const to = { ...next.value, ...madeOf(before.value) }
  return [...changed(before.value, to, (values) => ({ _tag: "RolloutChanged", ...values })), ...restart]
}

const none: Compare = () => []

/** What each key is to a poller that runs: one more key does not compile before it stands here. */
const keys: { readonly [Key in keyof PollerConfig]-?: Compare } = {
  pollInterval: (before, next) =>
    changed(before.pollInterval, next.pollInterval, (values) => ({ _tag: "PollIntervalChanged", ...values })),
  partition: (before, next) =>
    changed(identityOf(before), identityOf(next), (values) => ({ _tag: "IdentityChanged", ...values })),
  // With the partition.
  kvStoreId: none,
  coreAddress: (before, next) =>
    changed(before.coreAddress, next.coreAddress, (values) => ({ _tag: "CoreAddressChanged", ...values })),
  security: (before, next) =>
    changed(before.security, next.security, (values) => ({
      _tag: "SecurityChanged",
      agentId: Option.none(),
      ...values
    })),
  logLevel: (before, next) =>
    changed(before.logLevel, next.logLevel, (values) => ({ _tag: "LogLevelChanged", ...values })),
  agents: (before, next) => betweenFleets(before.agents, next.agents),
  pollerId: onRestart("pollerId"),
  sourceIp: onRestart("sourceIp"),
  listenAddress: onRestart("listenAddress"),
  serviceName: onRestart("serviceName"),
  buffer: onRestart("buffer"),
  logOutput: onRestart("logOutput"),
  plugins: (before, next) => changed(before.plugins, next.plugins, (values) => ({ _tag: "PluginsChanged", ...values })),
  discovery: (before, next) =>
    changed(before.discovery, next.discovery, (values) => ({ _tag: "DiscoveryChanged", ...values })),
  rollout: betweenRollouts
}

/** Everything that is different; nothing for configurations that mean the same. */
export const between: Compare = (before, next) => Object.values(keys).flatMap((compare) => compare(before, next))

const betweenFleets = (
  before: ReadonlyArray<PolledAgent>,
  next: ReadonlyArray<PolledAgent>
): ReadonlyArray<ConfigChange> => {
  const old = new Map(before.map((agent) => [agent.agentId, agent]))
  const kept = new Set(next.map(({ agentId }) => agentId))
  return [
    ...changed(PollPhase.isLarge(before.length), PollPhase.isLarge(next.length), (values) => ({
      _tag: "SpreadChanged",
      ...values
    })),
    ...before.flatMap(({ agentId }): ReadonlyArray<ConfigChange> =>
      kept.has(agentId) ? [] : [{ _tag: "AgentRemoved", agentId }]
    ),
    ...next.flatMap((agent): ReadonlyArray<ConfigChange> => {
      const known = old.get(agent.agentId)
      return known === undefined ? [{ _tag: "AgentAdded", agent }] : betweenAgents(known, agent)
    })
  ]
}

const betweenAgents = (before: PolledAgent, next: PolledAgent): ReadonlyArray<ConfigChange> => {
  if (before === next) return []
  const { agentId } = next
  return [
    ...changed(before.address, next.address, (values) => ({ _tag: "AgentAddressChanged", agentId, ...values })),
    ...changed(before.security, next.security, (values) => ({
      _tag: "SecurityChanged",
      agentId: Option.some(agentId),
      ...values
    })),
    ...betweenChecks(before, next)
  ]
}

const byKey = (agent: PolledAgent) =>
  new Map(
    CheckKey.keysOf(agent).flatMap((key, index) => {
      const check = agent.checks[index]
      return check === undefined ? [] : [[key, check] as const]
    })
  )

const betweenChecks = (before: PolledAgent, next: PolledAgent): ReadonlyArray<ChecksChanged> => {
  const old = byKey(before)
  const young = byKey(next)
  const namesOf = (from: typeof old, differs: (key: string) => boolean) =>
    [...from].flatMap(([key, { serviceName }]) => differs(key) ? [serviceName] : [])
  const change: ChecksChanged = {
    _tag: "ChecksChanged",
    agentId: next.agentId,
    checks: next.checks,
    added: namesOf(young, (key) => !old.has(key)),
    changed: namesOf(young, (key) => old.has(key) && !Equal.equals(old.get(key), young.get(key))),
    removed: namesOf(old, (key) => !young.has(key))
  }
  return change.added.length + change.changed.length + change.removed.length === 0 ? [] : [change]
}

/** The configuration that holds once the changes are made: what needs a restart is as before. */
export const apply = (config: PollerConfig, changes: ReadonlyArray<ConfigChange>): PollerConfig => {
  const agents = new Map(config.agents.map((agent) => [agent.agentId, agent]))
  let next = config
  const revise = (agentId: PolledAgent["agentId"], part: Partial<PolledAgent>) => {
    const agent = agents.get(agentId)
    if (agent !== undefined) agents.set(agentId, { ...agent, ...part })
  }
  for (const change of changes) {
    switch (change._tag) {
      case "PollIntervalChanged":
        next = { ...next, pollInterval: change.to }
        break
      case "IdentityChanged":
        next = { ...next, ...change.to }
        break
      case "CoreAddressChanged":
        next = { ...next, coreAddress: change.to }
        break
      case "SecurityChanged":
        if (Option.isSome(change.agentId)) revise(change.agentId.value, { security: change.to })
        else next = { ...next, security: change.to }
        break
      case "LogLevelChanged":
        next = { ...next, logLevel: change.to }
        break
      case "DiscoveryChanged":
        next = { ...next, discovery: change.to }
        break
      case "PluginsChanged":
        next = { ...next, plugins: change.to }
        break
      case "RolloutChanged":
        next = { ...next, rollout: Option.some(change.to) }
        break
      case "AgentAdded":
        agents.set(change.agent.agentId, change.agent)
        break
      case "AgentRemoved":
        agents.delete(change.agentId)
        break
      case "AgentAddressChanged":
        revise(change.agentId, { address: change.to })
        break
      case "ChecksChanged":
        revise(change.agentId, { checks: change.checks })
        break
      case "RestartNeeded":
      case "SpreadChanged":
        break
    }
  }
  return { ...next, agents: [...agents.values()] }
}
