/**
 * The configuration that a first `serviceradar up` writes: what to monitor on this machine.
 *
 * The files have the existing formats, so that what grows out of one machine starts from them. Everything listens on the
 * loopback. Even a machine with nothing else running yields eight checks, all of the program's own parts.
 */
import type { MachineFacts } from "../machine/MachineFacts.ts"
import { host, type Ports } from "./Ports.ts"

export const agentId = "local-agent"
export const pollerId = "local-poller"

export interface CheckEntry {
  readonly service_type: string
  readonly service_name: string
  readonly details: string
  readonly interval?: string
}

export interface LocalConfigFiles {
  readonly poller: {
    readonly poller_id: string
    readonly partition: string
    readonly source_ip: string
    readonly core_address: string
    readonly listen_addr: string
    readonly poll_interval: string
    readonly agents: Readonly<
      Record<string, { readonly address: string; readonly checks: ReadonlyArray<CheckEntry> }>
    >
  }
  readonly agent: Readonly<Record<string, string>>
  readonly core: Readonly<Record<string, string>>
}

const port = (name: string, details: string): CheckEntry => ({
  service_type: "port",
  service_name: name,
  details
})

const ownChecks = (ports: Ports, hasOwnDatabase: boolean): ReadonlyArray<CheckEntry> => [
  { service_type: "grpc", service_name: "core-grpc", details: `${host}:${ports.coreGrpc}` },
  { service_type: "grpc", service_name: "agent-grpc", details: `${host}:${ports.agentGrpc}` },
  { service_type: "grpc", service_name: "poller-grpc", details: `${host}:${ports.pollerGrpc}` },
  { service_type: "http", service_name: "core-live", details: `http://${host}:${ports.coreHttp}/health/live` },
  port("core-grpc-port", `${host}:${ports.coreGrpc}`),
  port("core-http-port", `${host}:${ports.coreHttp}`),
  port("agent-grpc-port", `${host}:${ports.agentGrpc}`),
  ...(hasOwnDatabase ? [port("postgresql-port", `${host}:${ports.postgres}`)] : []),
  { service_type: "sysmon", service_name: "sysmon", details: "" }
]

const found = (facts: MachineFacts): ReadonlyArray<CheckEntry> => [
  ...facts.pingable.map(({ address, name }) => ({
    service_type: "icmp",
    service_name: `ping-${name}`,
    details: address,
    // Each costs a process: every two seconds they were a tenth of what `up` takes of the processor.
    interval: "10s"
  })),
  ...facts.ports.map((entry) =>
    port(entry.name, `${entry.host.includes(":") ? `[${entry.host}]` : entry.host}:${entry.port}`)
  ),
  ...facts.processes.map((name) => ({ service_type: "process", service_name: name, details: name }))
]

/** The first of each type and name stays: a service is known to core by these. */
const distinct = (checks: ReadonlyArray<CheckEntry>): ReadonlyArray<CheckEntry> =>
  [
    ...new Map(checks.toReversed().map((check) => [`${check.service_type}/${check.service_name}`, check])).values()
  ].toReversed()

export const make = (
  facts: MachineFacts,
  ports: Ports,
  /** Otherwise the database is somebody else's, and where it is belongs into no file. */
  hasOwnDatabase: boolean
): LocalConfigFiles => ({
  poller: {
    poller_id: pollerId,
    partition: "default",
    source_ip: host,
    core_address: `${host}:${ports.coreGrpc}`,
    listen_addr: `${host}:${ports.pollerGrpc}`,
    // Short, so that whoever watches sees what changed, and a part that returns is shown at work within 5 s.
    poll_interval: "2s",
    agents: {
      [agentId]: {
        address: `${host}:${ports.agentGrpc}`,
        checks: distinct([...ownChecks(ports, hasOwnDatabase), ...found(facts)])
      }
    }
  },
  agent: {
    agent_id: agentId,
    agent_name: agentId,
    host_ip: host,
    partition: "default",
    listen_addr: `${host}:${ports.agentGrpc}`
  },
  core: {
    listen_addr: `${host}:${ports.coreHttp}`,
    grpc_addr: `${host}:${ports.coreGrpc}`
  }
})
