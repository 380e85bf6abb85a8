/**
 * The envelope in which a status message travels from poller to core.
 *
 * Everything but type `sync` is wrapped, with the ids that core takes from it in preference to those beside it. The
 * document inside is kept byte for byte: numbers beyond 2^53 survive.
 */
import { Bytes, Option, Predicate, Result } from "effect"
import * as ExactJson from "../ExactJson.ts"
import type { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../Ids.ts"
import * as ServiceKinds from "../ServiceKinds.ts"
import * as CleanText from "./CleanText.ts"

export interface EnvelopeIds {
  readonly pollerId: PollerId
  readonly agentId: AgentId
  readonly partition: Partition
  readonly serviceType: ServiceType
  readonly serviceName: ServiceName
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The message as core expects it: wrapped, unless it is an inventory of type `sync`. Always JSON, and always UTF-8. */
export const wrap = (ids: EnvelopeIds, message: Uint8Array): Uint8Array => {
  if (ServiceKinds.isInventory(ids.serviceType)) return encoder.encode(toDocument(message, "[]"))
  const head = JSON.stringify({
    poller_id: ids.pollerId,
    agent_id: ids.agentId,
    partition: ids.partition,
    service_type: ids.serviceType,
    service_name: ids.serviceName
  })
  return encoder.encode(`${head.slice(0, -1)},"data":${toDocument(message, "{}")}}`)
}

/** Bytes that are no JSON become some, so that core can read the envelope around them. */
const toDocument = (message: Uint8Array, empty: string): string => {
  const text = decoder.decode(message)
  if (text.trim() === "") return empty
  return isJson(text) ? CleanText.cleanJson(text) : JSON.stringify({ message: CleanText.clean(text) })
}

const isJson = (text: string): boolean => Result.isSuccess(Result.try(() => JSON.parse(text)))

const opening = "{\"poller_id\":"

/** The enveloped message with one more string in its envelope; a message without envelope as it is. */
export const annotate = (message: Uint8Array, key: string, value: string): Uint8Array => {
  if (decoder.decode(message.subarray(0, opening.length)) !== opening) return message
  return Bytes.concat([encoder.encode(`{${JSON.stringify(key)}:${JSON.stringify(value)},`), message.subarray(1)])
}

/** None for a text that is no JSON object. */
export const objectOf = (text: string): Option.Option<{ readonly [key: string]: unknown }> =>
  Option.filter(
    Result.getSuccess(Result.try(() => ExactJson.parse(text))),
    (value): value is { readonly [key: string]: unknown } => Predicate.isObject(value) && !Array.isArray(value)
  )
