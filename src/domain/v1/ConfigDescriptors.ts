/** Which settings the existing core can show and change for its services; all stand in a key-value store. */
export interface ConfigDescriptor {
  readonly name: string
  readonly display_name: string
  readonly service_type: string
  readonly scope: "global" | "poller" | "agent"
  readonly kv_key?: string
  readonly kv_key_template?: string
  readonly format: "json" | "toml"
  readonly requires_agent: boolean
  readonly requires_poller: boolean
}

const global = (name: string, display_name: string): ConfigDescriptor => ({
  name,
  display_name,
  service_type: name,
  scope: "global",
  kv_key: `config/${name}.json`,
  format: "json",
  requires_agent: false,
  requires_poller: false
})

const ofAgent = (name: string, display_name: string, kv_key_template: string): ConfigDescriptor => ({
  name,
  display_name,
  service_type: name,
  scope: "agent",
  kv_key_template,
  format: "json",
  requires_agent: true,
  requires_poller: false
})

export const descriptors: ReadonlyArray<ConfigDescriptor> = [
  global("core", "Core"),
  global("db-event-writer", "Event Writer"),
  global("sync", "Sync"),
  {
    name: "poller",
    display_name: "Poller",
    service_type: "poller",
    scope: "poller",
    kv_key_template: "config/pollers/{{poller_id}}.json",
    format: "json",
    requires_agent: false,
    requires_poller: true
  },
  ofAgent("agent", "Agent", "config/agents/{{agent_id}}.json"),
  ofAgent("snmp", "SNMP Checker", "agents/{{agent_id}}/checkers/snmp/snmp.json"),
  ofAgent("sweep", "Network Sweep", "agents/{{agent_id}}/checkers/sweep/sweep.json")
]

/** What a setting is of, where its service has one for each of them. */
export interface Of {
  readonly agentId: string
  readonly pollerId: string
}

/** As a part of a key; `/` would lead to the settings of something else. */
const isPart = (text: string): boolean => /^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*$/.test(text)

/** The setting that somebody asks for, and its key; none where what its key is made of is not named. */
export const find = (
  service: string,
  { agentId, pollerId }: Of
): { readonly descriptor: ConfigDescriptor; readonly key: string } | undefined => {
  const descriptor = descriptors.find(({ name }) => name === service)
  if (descriptor === undefined) return undefined
  const { kv_key, kv_key_template = "", requires_agent, requires_poller } = descriptor
  if (kv_key !== undefined) return { descriptor, key: kv_key }
  if ((requires_agent && !isPart(agentId)) || (requires_poller && !isPart(pollerId))) return undefined
  return {
    descriptor,
    key: kv_key_template.replace("{{agent_id}}", agentId).replace("{{poller_id}}", pollerId)
  }
}

/** Where the origin of a setting is kept. */
export const originKey = (key: string): string => `${key}.meta`

/** Where a service leaves what a setting is to begin with. */
export const templateKey = ({ format, name }: ConfigDescriptor): string => `templates/${name}.${format}`

/** Where a service says that it follows its settings. */
const watcherKey = (service: string, instance: string): string => `watchers/${service}/${instance}.json`

/** Of each service that can follow its settings, given who reports; `core` tells of itself, and follows none here. */
export const watcherKeys = (pollers: ReadonlyArray<string>, agents: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(descriptors.flatMap(({ name, scope }) => {
    const instances = scope === "agent" ? agents : scope === "poller" ? pollers : name === "core" ? [] : [name]
    return instances.filter(isPart).map((instance) => watcherKey(name, instance))
  }))
]
