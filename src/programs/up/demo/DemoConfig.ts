/**
 * What `serviceradar up --demo` adds to a configuration: a sync service with two made-up sources, and a poller that asks
 * it.
 *
 * The agent of this machine is told to sweep what they bring. It only reads that: nothing is sent to these addresses.
 */
import { Duration, Option } from "effect"
import * as Ids from "../../../domain/monitoring/Ids.ts"
import type { PollerConfig } from "../../../domain/poller/PollerConfig.ts"
import type { SecurityBlock } from "../../../domain/security/SecurityConfig.ts"
import type { SyncConfigFile } from "../../../domain/sync/SyncConfigFile.ts"
import * as FakeNetBox from "../../../layers/sync/fakes/FakeNetBox.ts"
import { host } from "../setup/Ports.ts"

/** How many devices the made-up sources have. */
export const devices = { armis: 800, netbox: 200 } as const

export interface DemoPorts {
  readonly sync: number
  readonly armis: number
  readonly netbox: number
}

export const usualPorts: DemoPorts = { sync: 50_058, armis: 8080, netbox: 8081 }

/** A few pages a second, so that whoever watches sees them come. */
const requestsPerSecond = 5
const pageSize = "100"

/** The sync service's configuration file. */
export const syncFile = (
  ports: DemoPorts,
  { agentId, pollerId, security, spool }: {
    readonly agentId: string
    readonly pollerId: string
    readonly spool: string
    readonly security: SecurityBlock | undefined
  }
) =>
  ({
    listen_addr: `${host}:${ports.sync}`,
    discovery_interval: "15s",
    agent_id: agentId,
    poller_id: pollerId,
    spool_dir: spool,
    ...(security === undefined ? {} : { security }),
    sources: {
      "demo-armis": {
        type: "armis",
        endpoint: `http://${host}:${ports.armis}`,
        credentials: { secret_key: "demo", page_size: pageSize },
        queries: [{ label: "all_devices", query: "in:devices orderBy=id", sweep_modes: ["icmp", "tcp"] }],
        rate_limit: requestsPerSecond
      },
      "demo-netbox": {
        type: "netbox",
        endpoint: `http://${host}:${ports.netbox}`,
        credentials: { api_token: FakeNetBox.token, page_size: pageSize },
        rate_limit: requestsPerSecond
      }
    }
  }) as const satisfies { readonly [Key in keyof SyncConfigFile]?: unknown }

const resultsInterval = Duration.seconds(5)

const check = (type: string, name: string, details: string, interval: Option.Option<Duration.Duration>) => ({
  serviceType: Ids.ServiceType.make(type),
  serviceName: Ids.ServiceName.make(name),
  details,
  port: 0,
  resultsInterval: interval,
  interval: Option.none(),
  timeout: Duration.seconds(10)
})

/** The poller also brings sync's devices to core, and looks at its health. */
export const withSync = (config: PollerConfig, localAgent: string, { sync }: DemoPorts): PollerConfig => {
  const address = `${host}:${sync}`
  return {
    ...config,
    agents: [
      ...config.agents.map((agent) =>
        agent.agentId === localAgent
          ? { ...agent, checks: [...agent.checks, check("grpc", "sync-grpc", address, Option.none())] }
          : agent
      ),
      {
        agentId: Ids.AgentId.make("demo-sync"),
        address,
        security: config.security,
        checks: [check("sync", "sync", "", Option.some(resultsInterval))]
      }
    ]
  }
}
