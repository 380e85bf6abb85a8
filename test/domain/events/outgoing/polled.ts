/** Statuses as a poller has them just after a check. */
import { Option } from "effect"
import type { Polled } from "../../../../src/domain/events/outgoing/Polled.ts"
import { timeoutDefault } from "../../../../src/domain/monitoring/checks/Check.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import * as Envelope from "../../../../src/domain/monitoring/reports/envelope/Envelope.ts"

/** 2026-01-02T03:04:05.678Z. */
export const measuredAtMillis = 1_767_323_045_678

export interface Facts {
  readonly type?: string
  readonly name?: string
  readonly details?: string
  readonly available?: boolean
  readonly responseTimeNanos?: bigint
  readonly document?: unknown
  readonly atMillis?: number
  readonly poller?: string
}

export const polled = (facts: Facts = {}): Polled => {
  const serviceType = ServiceType.make(facts.type ?? "port")
  const serviceName = ServiceName.make(facts.name ?? "ssh")
  const ids = {
    pollerId: PollerId.make(facts.poller ?? "poller-1"),
    agentId: AgentId.make("agent-1"),
    partition: Partition.make("site-a"),
    serviceType,
    serviceName
  }
  return {
    status: {
      ...ids,
      available: facts.available ?? true,
      message: Envelope.wrap(ids, new TextEncoder().encode(JSON.stringify(facts.document ?? {}))),
      responseTimeNanos: facts.responseTimeNanos ?? 1_500_000n,
      source: "getStatus",
      kvStoreId: ""
    },
    check: {
      serviceType,
      serviceName,
      details: facts.details ?? "192.0.2.7:22",
      port: 0,
      resultsInterval: Option.none(),
      interval: Option.none(),
      timeout: timeoutDefault
    },
    host: { ip: Option.some("192.0.2.1"), name: "agent-1" },
    measuredAtMillis: facts.atMillis ?? measuredAtMillis
  }
}
