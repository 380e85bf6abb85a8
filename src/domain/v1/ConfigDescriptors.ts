/** Which settings the existing core can show and change for its services; all stand in a key-value store. */
interface ConfigDescriptor {
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

/** Whether a request names all that the key of a service's settings is made of. */
export const isNamed = (service: string, query: URLSearchParams): boolean =>
  descriptors.some(({ name, requires_agent, requires_poller }) =>
    name === service &&
    (!requires_agent || (query.get("agent_id") ?? "") !== "") &&
    (!requires_poller || (query.get("poller_id") ?? "") !== "")
  )
