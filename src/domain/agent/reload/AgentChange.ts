/** What another configuration asks of an agent that runs, and how far each change reaches. */
import { Equal, Option } from "effect"
import type { AgentConfig, ConfiguredChecker } from "../AgentConfig.ts"

export type AgentChange =
  | { readonly _tag: "CheckerAdded"; readonly name: string }
  | { readonly _tag: "CheckerChanged"; readonly name: string }
  | { readonly _tag: "CheckerRemoved"; readonly name: string }
  | { readonly _tag: "AvailabilityChanged"; readonly from: string; readonly to: string }
  | { readonly _tag: "OfferedChecksChanged" }
  | { readonly _tag: "LogLevelChanged" }
  /** Holds from the next start of the agent on. */
  | { readonly _tag: "RestartNeeded"; readonly key: string }

/** As the file spells them. */
const restartKeys = {
  agentId: "agent_id",
  hostIp: "host_ip",
  partition: "partition",
  listen: "listen_addr",
  security: "security",
  checkersDir: "checkers_dir",
  targets: "probe_targets",
  plugins: "plugins"
} as const satisfies Partial<Record<keyof AgentConfig, string>>

/** By content: what a file says is plain data. */
const isSame = (one: unknown, other: unknown): boolean =>
  Equal.equals(one, other) || JSON.stringify(one) === JSON.stringify(other)

const byName = (checkers: ReadonlyArray<ConfiguredChecker>) => new Map(checkers.map((one) => [one.name, one]))

const checkerChanges = (from: AgentConfig, to: AgentConfig): ReadonlyArray<AgentChange> => {
  const [before, after] = [byName(from.checkers), byName(to.checkers)]
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names.flatMap((name): ReadonlyArray<AgentChange> => {
    if (!before.has(name)) return [{ _tag: "CheckerAdded", name }]
    if (!after.has(name)) return [{ _tag: "CheckerRemoved", name }]
    return isSame(before.get(name), after.get(name)) ? [] : [{ _tag: "CheckerChanged", name }]
  })
}

/** Where it registers, and how. */
const registrar = ({ registration }: AgentConfig) =>
  Option.getOrUndefined(Option.map(registration, ({ pollerAddress, security }) => ({ pollerAddress, security })))
const offered = ({ registration }: AgentConfig) =>
  Option.getOrUndefined(Option.map(registration, ({ checks }) => checks))

export const diff = (from: AgentConfig, to: AgentConfig): ReadonlyArray<AgentChange> => {
  const isNewRegistrar = !isSame(registrar(from), registrar(to))
  return [
    ...checkerChanges(from, to),
    ...(from.availability === to.availability
      ? []
      : [{ _tag: "AvailabilityChanged", from: from.availability, to: to.availability } as const]),
    ...(isNewRegistrar || isSame(offered(from), offered(to)) ? [] : [{ _tag: "OfferedChecksChanged" } as const]),
    ...(isSame(from.logLevel, to.logLevel) ? [] : [{ _tag: "LogLevelChanged" } as const]),
    ...(isNewRegistrar ? [{ _tag: "RestartNeeded", key: "registration" } as const] : []),
    ...Object.entries(restartKeys).flatMap(([field, key]) => {
      // boundary: the keys of `restartKeys` are fields of the configuration, which `entries` forgets
      const name = field as keyof typeof restartKeys
      return isSame(from[name], to[name]) ? [] : [{ _tag: "RestartNeeded", key } as const]
    })
  ]
}

/** A line of the log. */
export const describe = (change: AgentChange): string => {
  switch (change._tag) {
    case "CheckerAdded":
      return `checker ${change.name} is new`
    case "CheckerChanged":
      return `checker ${change.name} is another one: it is begun anew, and nobody else`
    case "CheckerRemoved":
      return `checker ${change.name} is gone`
    case "AvailabilityChanged":
      return `availability is ${change.to}, was ${change.from}: from the next answer on`
    case "OfferedChecksChanged":
      return "registration.checks are others: the poller is told with the next registration"
    case "LogLevelChanged":
      return "logging.level is another one"
    case "RestartNeeded":
      return `${change.key} is another one: that holds from the next start of the agent on`
  }
}
