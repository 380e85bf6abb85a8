/** Services by their agents and pollers, and the agents by themselves. */
import { DateTime } from "effect"
import type { ReportingPoller } from "../core/PastStatus.ts"
import type { ServiceState } from "../monitoring/reports/ServiceState.ts"
import { isHealthy } from "./PollerViews.ts"

type Service = Pick<ServiceState, "agentId" | "pollerId" | "serviceName" | "serviceType" | "kvStoreId" | "reportedAt">

interface TreeQuery {
  /** Only services whose settings stand in a key-value store. */
  readonly isConfiguredOnly: boolean
  /** Of each agent. */
  readonly limit: number
  readonly offset: number
}

const stores = (services: ReadonlyArray<Service>) => {
  const ids = [...new Set(services.map(({ kvStoreId }) => kvStoreId).filter((id) => id !== ""))].toSorted()
  return ids.length === 0 ? {} : { kv_store_ids: ids }
}

const leaf = ({ agentId, kvStoreId, pollerId, serviceName, serviceType }: Service) => ({
  name: serviceName,
  type: serviceType,
  agent_id: agentId,
  poller_id: pollerId,
  ...(kvStoreId === "" ? {} : { kv_store_id: kvStoreId })
})

export const tree = (
  pollers: ReadonlyArray<ReportingPoller>,
  services: ReadonlyArray<Service>,
  { isConfiguredOnly, limit, offset }: TreeQuery
) => {
  const wanted = isConfiguredOnly ? services.filter(({ kvStoreId }) => kvStoreId !== "") : services
  const byPoller = Map.groupBy(wanted, ({ pollerId }): string => pollerId)
  return pollers.flatMap((poller) => {
    const own = byPoller.get(poller.pollerId) ?? []
    if (isConfiguredOnly && own.length === 0) return []
    return [{
      poller_id: poller.pollerId,
      is_healthy: isHealthy(poller),
      ...stores(own),
      agents: [...Map.groupBy(own, ({ agentId }) => agentId)].map(([agent_id, all]) => ({
        agent_id,
        ...stores(all),
        services: all.slice(offset, offset + limit).map(leaf)
      }))
    }]
  })
}

/** An agent that two pollers ask is there twice. */
export const agents = (services: ReadonlyArray<Service>) =>
  [...Map.groupBy(services, ({ agentId, pollerId }) => JSON.stringify([pollerId, agentId])).values()].flatMap((all) => {
    const [first] = all
    if (first === undefined) return []
    const last = all.reduce((latest, { reportedAt }) => DateTime.max(latest, reportedAt), first.reportedAt)
    return [{
      agent_id: first.agentId,
      poller_id: first.pollerId,
      last_seen: DateTime.formatIso(last),
      service_types: [...new Set(all.map(({ serviceType }) => serviceType))].toSorted()
    }]
  })
