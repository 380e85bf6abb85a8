/** Statuses and checks for tests of the poller's services. */
import { Option } from "effect"
import { type Check, timeoutDefault } from "../../../src/domain/monitoring/checks/Check.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../src/domain/monitoring/Ids.ts"
import type { PollerIdentity } from "../../../src/domain/monitoring/reports/PolledStatus.ts"
import type { ServiceStatus } from "../../../src/domain/monitoring/reports/ServiceStatus.ts"
import type { PolledAgent } from "../../../src/domain/poller/PollerConfig.ts"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"

export const poller: PollerIdentity = {
  pollerId: PollerId.make("poller-1"),
  partition: Partition.make("default"),
  kvStoreId: ""
}

export const status = (serviceName: string, options: { agentId?: string; bytes?: number } = {}): ServiceStatus => ({
  serviceName: ServiceName.make(serviceName),
  serviceType: ServiceType.make("port"),
  available: true,
  message: new Uint8Array(options.bytes ?? 2),
  responseTimeNanos: 0n,
  agentId: AgentId.make(options.agentId ?? "agent-1"),
  source: "getStatus",
  ...poller
})

export const check = (serviceName: string, options: Partial<Check> = {}): Check => ({
  serviceType: ServiceType.make("port"),
  serviceName: ServiceName.make(serviceName),
  details: "192.0.2.1:22",
  port: 0,
  resultsInterval: Option.none(),
  interval: Option.none(),
  timeout: timeoutDefault,
  ...options
})

export const agent = (name: string, address: string, checks: ReadonlyArray<Check>): PolledAgent => ({
  agentId: AgentId.make(name),
  address,
  security: SecurityConfig.none,
  checks
})

export const textOf = (one: ServiceStatus): string => new TextDecoder().decode(one.message)
