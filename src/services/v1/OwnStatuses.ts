/**
 * What core keeps of reports, as far as whoever asks may see it: pollers report for the tenant `default`, so to people of any other
 * there are none.
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

/** Of one answer. */
const pollersMax = 10_000

const none = Effect.succeed([])

export const pollers = (asker: Asker, id?: string): Asking<ReportingPoller, StatusHistory> =>
  areSeen(asker) ? StatusHistory.use((history) => history.pollers(pollersMax, id)) : none

export const states = (asker: Asker, filter: ServiceFilter): Asking<ServiceState, StatusStore> =>
  areSeen(asker) ? StatusStore.use((store) => store.current(filter)) : none

export const services = (asker: Asker, filter: ServiceFilter): Asking<BareState, StatusHistory> =>
  areSeen(asker) ? StatusHistory.use((history) => history.services(filter)) : none

export const ofServices = (
  asker: Asker,
  keys: ReadonlyArray<ServiceKey>,
  span: Span
): Asking<PastStatus, StatusHistory> =>
  areSeen(asker) ? StatusHistory.use((history) => history.ofServices(keys, span)) : none

export const healthOf = (asker: Asker, pollerId: string, limit: number): Asking<PollerHealth, StatusHistory> =>
  areSeen(asker) ? StatusHistory.use((history) => history.healthOf(pollerId, limit)) : none
