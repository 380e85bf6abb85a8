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
export const wrap = (ids: EnvelopeIds, message: Uint8Array): Uint8Array => wrapText(ids, decoder.decode(message))

/** As `wrap`, for a message that is text already. */
export const wrapText = (ids: EnvelopeIds, message: string): Uint8Array =>
  wrapJson(ids, toDocument(message, ServiceKinds.isInventory(ids.serviceType) ? "[]" : "{}"))

/** As `wrap`, for a message that is known to be JSON: a large one is not read once more. */
export const wrapJson = (ids: EnvelopeIds, json: string): Uint8Array => {
  const document = CleanText.cleanJson(json)
  if (ServiceKinds.isInventory(ids.serviceType)) return encoder.encode(document)
  const head = JSON.stringify({
    poller_id: ids.pollerId,
    agent_id: ids.agentId,
    partition: ids.partition,
    service_type: ids.serviceType,
    service_name: ids.serviceName
  })
  return encoder.encode(`${head.slice(0, -1)},"data":${document}}`)
}

/** What is no JSON becomes some, so that core can read the envelope around it. */
const toDocument = (text: string, empty: string): string => {
  if (text.trim() === "") return empty
  return isJson(text) ? text : JSON.stringify({ message: CleanText.clean(text) })
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
