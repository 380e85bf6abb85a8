/**
 * The status that core is told, from what an agent answered or from why it did not.
 *
 * An agent that fails is an observation too: its checks become unavailable, with the cause as JSON that is always well
 * formed, whatever the cause's text contains.
 */
import { Option, Schema } from "effect"
import type { Check } from "../checks/Check.ts"
import { AgentId, type Partition, type PollerId, ServiceType } from "../Ids.ts"
import * as ServiceKinds from "../ServiceKinds.ts"
import * as CleanText from "./CleanText.ts"
import * as Enrichment from "./envelope/Enrichment.ts"
import * as Envelope from "./envelope/Envelope.ts"
import * as Wrapping from "./envelope/Wrapping.ts"
import type { ServiceStatus, StatusSource } from "./ServiceStatus.ts"

/** On whose behalf the poller reports. */
export interface PollerIdentity {
  readonly pollerId: PollerId
  readonly partition: Partition
  readonly kvStoreId: string
}

export interface PollSubject {
  readonly poller: PollerIdentity
  /** The agent's name in the poller's configuration. */
  readonly agentId: AgentId
  readonly host: Enrichment.AgentHost
  readonly check: Check
  readonly source: StatusSource
}

export interface Reply {
  readonly available: boolean
  readonly message: Uint8Array
  readonly responseTimeNanos: bigint
  /** Empty when the agent does not say. */
  readonly agentId: string
}

const encoder = new TextEncoder()

/** What is the same for all that is measured of a subject, with the agent's name in the poller's configuration. */
const known = new WeakMap<PollSubject, Wrapping.Wrapping>()

/** Whoever measures the same again and again gives the same subject each time. */
const knownOf = (subject: PollSubject): Wrapping.Wrapping => {
  const before = known.get(subject)
  if (before !== undefined) return before
  const { agentId, check: { details, serviceName }, host, poller: { partition, pollerId }, source } = subject
  const serviceType = typeOf(subject)
  const made: Wrapping.Wrapping = {
    target: Option.getOrUndefined(Enrichment.targetOf({ serviceType, details, host })),
    ids: { pollerId, agentId, partition, serviceType, serviceName },
    isInventory: source === "results" && ServiceKinds.isInventory(serviceType)
  }
  known.set(subject, made)
  return made
}

export const fromReply = (subject: PollSubject, reply: Reply): ServiceStatus =>
  fromWrapped(subject, reply, Wrapping.wrap(wrappingOf(subject, reply), reply.message))

/** What is to be done to the reply's message. */
export const wrappingOf = (subject: PollSubject, { agentId }: Pick<Reply, "agentId">): Wrapping.Wrapping => {
  const usual = knownOf(subject)
  return isOther(agentId, subject.agentId) && isAgentId(agentId)
    ? { ...usual, ids: { ...usual.ids, agentId } }
    : usual
}

/** As `fromReply`, with the message as it is when that was done. */
export const fromWrapped = (
  subject: PollSubject,
  reply: Omit<Reply, "message">,
  message: Uint8Array
): ServiceStatus => {
  const { agentId, serviceType } = wrappingOf(subject, reply).ids
  const { available, responseTimeNanos } = reply
  return toStatus(subject, { serviceType, available, responseTimeNanos, agentId }, message)
}

/** Not every database and no JSON reader of core takes each text that gRPC carries. */
const isAgentId = (id: string): id is AgentId => isName(id) && CleanText.clean(id) === id

const isName = Schema.is(AgentId)

const isOther = (said: string, agentId: AgentId): boolean => said !== "" && said !== agentId

export const fromFailure = (subject: PollSubject, reason: string): ServiceStatus => {
  const { agentId, check: { serviceType }, source } = subject
  const { ids: usual, target } = knownOf(subject)
  const error = JSON.stringify({ error: reason })
  const ids = serviceType === usual.serviceType ? usual : { ...usual, serviceType }
  return toStatus(
    subject,
    { serviceType, available: false, responseTimeNanos: 0n, agentId },
    // Core takes a failed results check as it is; an address in it would make a device of it.
    source === "results"
      ? Envelope.wrapJson(ids, error)
      : Wrapping.wrap({ ids, target, isInventory: false }, encoder.encode(error))
  )
}

/** For a report that shows every check of a poller, also one that the first call to the agent is still on its way for. */
export const notAnswered = (subject: PollSubject): ServiceStatus => ({
  ...fromFailure(subject, "not answered yet"),
  source: "lastKnown"
})

const inventoryType = ServiceType.make(ServiceKinds.inventoryType)

/** Core ingests an inventory by this type, which the existing poller derives from the name. */
const typeOf = ({ check, source }: PollSubject): ServiceType =>
  source === "results" && ServiceKinds.resultsOf(check) === "inventory" ? inventoryType : check.serviceType

const toStatus = (
  { check: { serviceName }, poller: { kvStoreId, partition, pollerId }, source }: PollSubject,
  { agentId, available, responseTimeNanos, serviceType }: Pick<
    ServiceStatus,
    "serviceType" | "available" | "responseTimeNanos" | "agentId"
  >,
  message: Uint8Array
): ServiceStatus => ({
  serviceType,
  available,
  responseTimeNanos,
  agentId,
  serviceName,
  pollerId,
  partition,
  source,
  kvStoreId,
  message
})
