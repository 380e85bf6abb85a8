/**
 * What core keeps of reports, as far as whoever asks may see it: pollers report for the tenant `default`, so to people of any other
 * there are none. Where a partition is named, see `Partition`, the rest is as if it were another tenant's.
 */
import { Effect } from "effect"
import type { PastStatus, PollerHealth, ReportingPoller } from "../../domain/core/PastStatus.ts"
import { defaultTenantId } from "../../domain/identity/Tenant.ts"
import type { ServiceFilter, ServiceState } from "../../domain/monitoring/reports/ServiceState.ts"
import { type BareState, type ServiceKey, type Span, StatusHistory } from "../core/StatusHistory.ts"
import { StatusStore, type StatusStoreError } from "../core/StatusStore.ts"
import type { Asker } from "../records/Records.ts"

type Asking<A, R> = Effect.Effect<ReadonlyArray<A>, StatusStoreError, R>

export const areSeen = ({ actor }: Asker): boolean =>
  actor["isSuperUser"] === true || actor["tenantId"] === defaultTenantId

/** Undefined for all. */
const partitionOf = ({ actor }: Asker): string | undefined => {
  const { partitionId } = actor
  return typeof partitionId === "string" ? partitionId : undefined
}

/** Those of the partition that alone is seen. */
export const within = <A extends { readonly partition: string }>(
  asker: Asker,
  all: ReadonlyArray<A>
): ReadonlyArray<A> => {
  const partition = partitionOf(asker)
  return partition === undefined ? all : all.filter((one) => one.partition === partition)
}

/** Of one answer. */
const pollersMax = 10_000

const none = Effect.succeed([])

export const pollers = (asker: Asker, id?: string): Asking<ReportingPoller, StatusHistory> =>
  areSeen(asker)
    ? Effect.map(StatusHistory.use((history) => history.pollers(pollersMax, id)), (all) => within(asker, all))
    : none

const narrowed = (asker: Asker, filter: ServiceFilter): ServiceFilter => {
  const partition = partitionOf(asker)
  return partition === undefined ? filter : { ...filter, partition }
}

export const states = (asker: Asker, filter: ServiceFilter): Asking<ServiceState, StatusStore> =>
  areSeen(asker) ? StatusStore.use((store) => store.current(narrowed(asker, filter))) : none

export const services = (asker: Asker, filter: ServiceFilter): Asking<BareState, StatusHistory> =>
  areSeen(asker) ? StatusHistory.use((history) => history.services(narrowed(asker, filter))) : none

export const ofServices = (
  asker: Asker,
  keys: ReadonlyArray<ServiceKey>,
  span: Span
): Asking<PastStatus, StatusHistory> =>
  areSeen(asker)
    ? Effect.map(StatusHistory.use((history) => history.ofServices(keys, span)), (all) => within(asker, all))
    : none

export const healthOf = (asker: Asker, pollerId: string, limit: number): Asking<PollerHealth, StatusHistory> =>
  Effect.flatMap(
    pollers(asker, pollerId),
    (known) => known.length === 0 ? none : StatusHistory.use((history) => history.healthOf(pollerId, limit))
  )
