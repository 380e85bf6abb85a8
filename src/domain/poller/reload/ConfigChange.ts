/** One thing that another configuration asks of a poller that runs, and how far it reaches. */
import { Duration, type LogLevel, Option } from "effect"
import type { AgentId } from "../../monitoring/Ids.ts"
import type { PollerIdentity } from "../../monitoring/reports/PolledStatus.ts"
import type { SecurityConfig } from "../../security/SecurityConfig.ts"
import type { DiscoveryConfig } from "../discovery/DiscoveryConfig.ts"
import type { PluginsConfig, PolledAgent, PollerConfig } from "../PollerConfig.ts"
import type { RolloutConfig } from "../rollout/Rollout.ts"

interface FromTo<A> {
  readonly from: A
  readonly to: A
}

export type ConfigChange =
  | (FromTo<Duration.Duration> & { readonly _tag: "PollIntervalChanged" })
  /** The partition and the KV store that statuses are reported under. */
  | (FromTo<Pick<PollerIdentity, "partition" | "kvStoreId">> & { readonly _tag: "IdentityChanged" })
  | (FromTo<string> & { readonly _tag: "CoreAddressChanged" })
  /** Without an agent: the poller's own, towards core and on its servers. */
  | (FromTo<SecurityConfig> & { readonly _tag: "SecurityChanged"; readonly agentId: Option.Option<AgentId> })
  | (FromTo<Option.Option<LogLevel.LogLevel>> & { readonly _tag: "LogLevelChanged" })
  /** Whether the polls of the fleet are spread over the interval, as those of a large one are. */
  | (FromTo<boolean> & { readonly _tag: "SpreadChanged" })
  /** Where agents that are in no file come from, and how they are asked; none for nowhere. */
  | (FromTo<Option.Option<DiscoveryConfig>> & { readonly _tag: "DiscoveryChanged" })
  /** What answers go through, and for how long; none for nothing. */
  | (FromTo<Option.Option<PluginsConfig>> & { readonly _tag: "PluginsChanged" })
  /** When it is rolled back, and its share; which agents that are is told by themselves. */
  | (FromTo<RolloutConfig> & { readonly _tag: "RolloutChanged" })
  | { readonly _tag: "AgentAdded"; readonly agent: PolledAgent }
  | { readonly _tag: "AgentRemoved"; readonly agentId: AgentId }
  | (FromTo<string> & { readonly _tag: "AgentAddressChanged"; readonly agentId: AgentId })
  | ChecksChanged
  /** Holds from the next start of the poller on. */
  | { readonly _tag: "RestartNeeded"; readonly key: RestartKey }

export interface ChecksChanged {
  readonly _tag: "ChecksChanged"
  readonly agentId: AgentId
  /** All of the agent's checks from now on. */
  readonly checks: PolledAgent["checks"]
  /** Names, for people. */
  readonly added: ReadonlyArray<string>
  readonly changed: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

/** What the process itself is made of. */
export type RestartKey = Extract<
  keyof PollerConfig,
  | "pollerId"
  | "sourceIp"
  | "listenAddress"
  | "serviceName"
  | "buffer"
  | "logOutput"
  | "rollout"
>

/** As the file spells them. */
export const restartKeys: Readonly<Record<RestartKey, string>> = {
  pollerId: "poller_id",
  sourceIp: "source_ip",
  listenAddress: "listen_addr",
  serviceName: "service_name",
  buffer: "buffer",
  logOutput: "logging.output",
  rollout: "rollout.mode, rollout.dir, rollout.shadow_max_bytes"
}

/** For a table or a line of the log. */
export interface Described {
  /** Of the configuration: a key, or one of an agent. */
  readonly key: string
  readonly from: string
  readonly to: string
  /** Who notices: everybody else goes on undisturbed. */
  readonly reach: string
}

const names = (checks: ReadonlyArray<string>): string => checks.join(", ")

const levelText = Option.getOrElse(() => "")

const securityText = ({ _tag }: SecurityConfig): string => _tag.toLowerCase()

const spreadText = (isSpread: boolean): string => isSpread ? "polled one after the other" : "polled together"

const duration = (value: Duration.Duration): string => Duration.format(value)

const rolloutText = ({ errorPercentMax, errorPollsMin, errorWindow, percent }: RolloutConfig): string =>
  `${percent} %, rolled back beyond ${errorPercentMax} % of ${errorPollsMin} polls or more in ${duration(errorWindow)}`

const pluginsText = Option.match({
  onNone: () => "",
  onSome: ({ callLimit, folder }: PluginsConfig): string => `${folder}, each call at most ${duration(callLimit)}`
})

const counted = (count: number): string => count === 1 ? "1 check" : `${count} checks`

const discoveryText = Option.match({
  onNone: () => "",
  onSome: ({ agentsMax, checks, dnsSrv, listed, nats, registration }: DiscoveryConfig): string =>
    [
      ...(Option.isSome(registration) ? ["registration"] : []),
      ...(listed.length > 0 ? [`a list of ${listed.length}`] : []),
      ...Option.toArray(Option.map(dnsSrv, ({ name }) => name)),
      ...Option.toArray(Option.map(nats, ({ subject }) => subject)),
      `at most ${agentsMax} agents, each ${counted(checks.length)}`
    ].join(", ")
})

export const describe = (change: ConfigChange): Described => {
  switch (change._tag) {
    case "PollIntervalChanged":
      return {
        key: "poll_interval",
        from: duration(change.from),
        to: duration(change.to),
        reach: "the timers of checks without an interval of their own; connections stay"
      }
    case "IdentityChanged":
      return {
        key: "partition, kv_domain, kv_address",
        from: `${change.from.partition} ${change.from.kvStoreId}`.trim(),
        to: `${change.to.partition} ${change.to.kvStoreId}`.trim(),
        reach: "what is measured from now on is reported under it"
      }
    case "CoreAddressChanged":
      return { key: "core_address", from: change.from, to: change.to, reach: "the connection to core" }
    case "SecurityChanged": {
      const isOwn = Option.isNone(change.agentId)
      return {
        key: Option.match(change.agentId, { onNone: () => "security", onSome: (id) => `agents.${id}.security` }),
        from: securityText(change.from),
        to: securityText(change.to),
        reach: isOwn ? "the connection to core, and the poller's own servers" : "this agent"
      }
    }
    case "LogLevelChanged":
      return {
        key: "logging.level",
        from: levelText(change.from),
        to: levelText(change.to),
        reach: "the log, unless --log-level or LOG_LEVEL says otherwise"
      }
    case "SpreadChanged":
      return {
        key: "agents",
        from: spreadText(change.from),
        to: spreadText(change.to),
        reach: "the timers of all checks; connections stay"
      }
    case "DiscoveryChanged":
      return {
        key: "discovery",
        from: discoveryText(change.from),
        to: discoveryText(change.to),
        reach: "what agents are found by; those that are found again stay as they are"
      }
    case "PluginsChanged":
      return {
        key: "plugins",
        from: pluginsText(change.from),
        to: pluginsText(change.to),
        reach: "what answers go through from now on; what its plugins remember begins anew"
      }
    case "RolloutChanged":
      return {
        key: "rollout",
        from: rolloutText(change.from),
        to: rolloutText(change.to),
        reach: "what rolls it back from now on"
      }
    case "AgentAdded":
      return {
        key: `agents.${change.agent.agentId}`,
        from: "",
        to: `${change.agent.address}, ${counted(change.agent.checks.length)}`,
        reach: "a new agent"
      }
    case "AgentRemoved":
      return { key: `agents.${change.agentId}`, from: "there", to: "", reach: "this agent is polled no more" }
    case "AgentAddressChanged":
      return {
        key: `agents.${change.agentId}.address`,
        from: change.from,
        to: change.to,
        reach: "this agent's connection"
      }
    case "ChecksChanged":
      return {
        key: `agents.${change.agentId}.checks`,
        from: change.removed.length === 0 ? "" : `without ${names(change.removed)}`,
        to: [
          ...(change.added.length === 0 ? [] : [`new: ${names(change.added)}`]),
          ...(change.changed.length === 0 ? [] : [`other: ${names(change.changed)}`])
        ].join("; "),
        reach: "these checks of this agent"
      }
    case "RestartNeeded":
      return { key: restartKeys[change.key], from: "", to: "", reach: "nobody: restart needed" }
  }
}
