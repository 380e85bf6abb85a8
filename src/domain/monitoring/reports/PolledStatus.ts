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
import * as Enrichment from "./Enrichment.ts"
import * as Envelope from "./Envelope.ts"
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

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** What is the same for all that is measured of a subject. */
interface Known {
  readonly target: Option.Option<Enrichment.Target>
  /** With the agent's name in the poller's configuration. */
  readonly ids: Envelope.EnvelopeIds
}

/** Whoever measures the same again and again gives the same subject each time. */
const known = new WeakMap<PollSubject, Known>()

const knownOf = (subject: PollSubject): Known => {
  const before = known.get(subject)
  if (before !== undefined) return before
  const { agentId, check: { details, serviceName }, host, poller: { partition, pollerId } } = subject
  const serviceType = typeOf(subject)
  const made: Known = {
    target: Enrichment.targetOf({ serviceType, details, host }),
    ids: { pollerId, agentId, partition, serviceType, serviceName }
  }
  known.set(subject, made)
  return made
}

export const fromReply = (subject: PollSubject, reply: Reply): ServiceStatus => {
  const { agentId, source } = subject
  const { ids: { serviceType } } = knownOf(subject)
  const measured = {
    serviceType,
    available: reply.available,
    responseTimeNanos: reply.responseTimeNanos,
    agentId: isOther(reply.agentId, agentId) && isAgentId(reply.agentId) ? reply.agentId : agentId
  }
  // Inventories are bare arrays of devices that know their own addresses, too large to be read for nothing.
  return ServiceKinds.isInventory(serviceType) && source === "results"
    ? toStatus(subject, measured, (ids) => Envelope.wrap(ids, reply.message))
    : toStatus(subject, measured, enriched(subject, reply.message))
}

/** A message is read once, however large. */
const enriched = (subject: PollSubject, message: Uint8Array) => (ids: Envelope.EnvelopeIds): Uint8Array => {
  const text = decoder.decode(message)
  return Option.match(Enrichment.enrich(knownOf(subject).target, text), {
    onNone: () => Envelope.wrapText(ids, text),
    onSome: (found) =>
      found._tag === "Added" && Envelope.isKept(ids, message, text)
        ? Envelope.wrapBytes(ids, message, found.tail)
        : Envelope.wrapJson(ids, Enrichment.jsonOf(found, text))
  })
}

/** Not every database and no JSON reader of core takes each text that gRPC carries. */
const isAgentId = (id: string): id is AgentId => isName(id) && CleanText.clean(id) === id

const isName = Schema.is(AgentId)

const isOther = (said: string, agentId: AgentId): boolean => said !== "" && said !== agentId

export const fromFailure = (subject: PollSubject, reason: string): ServiceStatus => {
  const { agentId, check, source } = subject
  const { serviceType } = check
  const error = JSON.stringify({ error: reason })
  return toStatus(
    subject,
    { serviceType, available: false, responseTimeNanos: 0n, agentId },
    // Core takes a failed results check as it is; an address in it would make a device of it.
    source === "results"
      ? (ids) => Envelope.wrapJson(ids, error)
      : enriched(subject, encoder.encode(error))
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
  subject: PollSubject,
  measured: Pick<ServiceStatus, "serviceType" | "available" | "responseTimeNanos" | "agentId">,
  messageOf: (ids: Envelope.EnvelopeIds) => Uint8Array
): ServiceStatus => {
  const { check, poller, source } = subject
  const { agentId, serviceType } = measured
  const { ids } = knownOf(subject)
  const isUsual = agentId === ids.agentId && serviceType === ids.serviceType
  return {
    serviceType,
    available: measured.available,
    responseTimeNanos: measured.responseTimeNanos,
    agentId,
    serviceName: check.serviceName,
    pollerId: poller.pollerId,
    partition: poller.partition,
    source,
    kvStoreId: poller.kvStoreId,
    message: messageOf(isUsual ? ids : { ...ids, agentId, serviceType })
  }
}
