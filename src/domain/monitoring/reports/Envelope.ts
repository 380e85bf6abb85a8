/**
 * The envelope in which a status message travels from poller to core.
 *
 * Everything but type `sync` is wrapped, with the ids that core takes from it in preference to those beside it. The
 * document inside is kept byte for byte: numbers beyond 2^53 survive.
 */
import { Result } from "effect"
import type { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../Ids.ts"

export interface EnvelopeIds {
  readonly pollerId: PollerId
  readonly agentId: AgentId
  readonly partition: Partition
  readonly serviceType: ServiceType
  readonly serviceName: ServiceName
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The message as core expects it: wrapped, unless it is an inventory of type `sync`. */
export const wrap = (ids: EnvelopeIds, message: Uint8Array): Uint8Array => {
  if (ids.serviceType === "sync") return message
  const head = JSON.stringify({
    poller_id: ids.pollerId,
    agent_id: ids.agentId,
    partition: ids.partition,
    service_type: ids.serviceType,
    service_name: ids.serviceName
  })
  return encoder.encode(`${head.slice(0, -1)},"data":${toDocument(message)}}`)
}

/** Bytes that are no JSON become one, so that core can read the envelope around them. */
const toDocument = (message: Uint8Array): string => {
  const text = decoder.decode(message)
  if (text.trim() === "") return "{}"
  return isJson(text) ? text : JSON.stringify({ message: text })
}

const isJson = (text: string): boolean => Result.isSuccess(Result.try(() => JSON.parse(text)))
