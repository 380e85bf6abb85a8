/**
 * What core is told of an agent that came by itself, or went: a status of type `agent` named `registration`, once each.
 *
 * One that said that it goes, or is in no list any more, is no failure; one that went without a word is.
 */
import { ServiceName, ServiceType } from "../../monitoring/Ids.ts"
import * as Envelope from "../../monitoring/reports/envelope/Envelope.ts"
import type { PollerIdentity } from "../../monitoring/reports/PolledStatus.ts"
import type { ServiceStatus } from "../../monitoring/reports/ServiceStatus.ts"
import type { Arrival } from "./Arrival.ts"

export type ArrivalState = "registered" | "left" | "lost"

const serviceType = ServiceType.make("agent")
const serviceName = ServiceName.make("registration")

/** Of no check of any configuration. */
export const keyOf = ({ agentId }: Pick<Arrival, "agentId">): string => `registration ${agentId}`

export const make = (
  { kvStoreId, partition, pollerId }: PollerIdentity,
  { address, agentId, capabilities, identity, source, version }: Arrival,
  state: ArrivalState
): ServiceStatus => ({
  serviceType,
  serviceName,
  agentId,
  pollerId,
  partition,
  kvStoreId,
  available: state !== "lost",
  responseTimeNanos: 0n,
  source: "getStatus",
  message: Envelope.wrapJson(
    { pollerId, agentId, partition, serviceType, serviceName },
    JSON.stringify({ state, source, address, version, capabilities, identity })
  )
})
