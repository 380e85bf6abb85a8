/** What pollers have reported, to look back at: everything newest first, and never more than is asked for. */
import { Context, type DateTime, type Effect } from "effect"
import type { PastStatus, PollerHealth, ReportingPoller } from "../../domain/core/PastStatus.ts"
import type { ServiceFilter, ServiceState } from "../../domain/monitoring/reports/ServiceState.ts"
import type { StatusStoreError } from "./StatusStore.ts"

/** Names a service, of whatever partition. */
export type ServiceKey = Pick<ServiceState, "agentId" | "serviceType" | "serviceName">

export interface Span {
  readonly from: DateTime.Utc
  readonly to: DateTime.Utc
  readonly limit: number
}

/** A state without what the check said. */
export type BareState = Omit<ServiceState, "message" | "responseTimeNanos" | "lastChangeAt" | "source">

export class StatusHistory extends Context.Service<StatusHistory, {
  /** By their ids; one poller alone where its id is given. */
  readonly pollers: (limit: number, id?: string) => Effect.Effect<ReadonlyArray<ReportingPoller>, StatusStoreError>
  /** As `StatusStore.current`, without messages, which may be megabytes. */
  readonly services: (filter: ServiceFilter) => Effect.Effect<ReadonlyArray<BareState>, StatusStoreError>
  /** Of all these services together. */
  readonly ofServices: (
    keys: ReadonlyArray<ServiceKey>,
    span: Span
  ) => Effect.Effect<ReadonlyArray<PastStatus>, StatusStoreError>
  /** Whether all that a poller reported at a time was available, at each time of its last week. */
  readonly healthOf: (pollerId: string, limit: number) => Effect.Effect<ReadonlyArray<PollerHealth>, StatusStoreError>
}>()("serviceradar/services/core/StatusHistory") {}
