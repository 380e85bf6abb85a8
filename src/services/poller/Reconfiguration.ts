/** Makes a poller that runs one of another configuration: whoever it says nothing new of does not notice. */
import { Effect } from "effect"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import type { ConfigChange } from "../../domain/poller/reload/ConfigChange.ts"
import * as AgentLink from "./AgentLink.ts"
import { CoreReporter, type Reported } from "./CoreReporter.ts"
import { ArrivedAgents } from "./discovery/ArrivedAgents.ts"
import { Fleet, identityOf } from "./Fleet.ts"

export const reported = (config: PollerConfig): Reported => ({
  poller: identityOf(config),
  pollInterval: config.pollInterval,
  expected: AgentLink.regularChecks(config.agents)
})

/** Changes with nothing in them for whoever reports. */
const isUnreported: ReadonlySet<ConfigChange["_tag"]> = new Set([
  "AgentAddressChanged",
  "CoreAddressChanged",
  "DiscoveryChanged",
  "LogLevelChanged",
  "PluginsChanged",
  "RestartNeeded",
  "RolloutChanged",
  "SecurityChanged",
  "SpreadChanged"
])

const applyAlone = Effect.fnUntraced(function*(file: PollerConfig) {
  const fleet = yield* Fleet
  const reporter = yield* CoreReporter
  const { added } = yield* ArrivedAgents
  const { changes, config, gone } = yield* fleet.replace(yield* added(file))
  if (changes.some(({ _tag }) => !isUnreported.has(_tag))) yield* reporter.reconfigure(reported(config), gone)
  return changes
}, Effect.uninterruptible)

/** Succeeds with what is different now. */
export const apply = (file: PollerConfig) => Effect.flatMap(ArrivedAgents, ({ alone }) => alone(applyAlone(file)))

/** For agents that are in no file: with the file as it was read last. */
export const applyAgain = Effect.flatMap(ArrivedAgents, ({ alone, file }) =>
  alone(Effect.suspend(() => {
    const last = file()
    return last === undefined ? Effect.succeed([]) : applyAlone(last)
  })))
