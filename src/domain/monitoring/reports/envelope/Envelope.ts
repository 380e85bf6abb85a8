/**
 * The envelope in which a status message travels from poller to core.
 *
 * Everything but type `sync` is wrapped, with the ids that core takes from it in preference to those beside it. The
 * document inside is kept byte for byte: numbers beyond 2^53 survive.
 */
import { Option, Predicate, Result } from "effect"
import * as ExactJson from "../../ExactJson.ts"
import type { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../Ids.ts"
import * as ServiceKinds from "../../ServiceKinds.ts"
import * as CleanText from "../CleanText.ts"
import * as NestingLimit from "./NestingLimit.ts"

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
  return encoder.encode(`${openedFor(ids)}${document}}`)
}

/**
 * As `wrapJson`, for an object whose bytes are clean UTF-8 (`isKept`), with `tail` in place of its closing brace: the bytes
 * of a large one are copied, and read no more.
 */
export const wrapBytes = (ids: EnvelopeIds, json: Uint8Array, tail: string): Uint8Array => {
  const before = encoder.encode(openedFor(ids))
  const after = encoder.encode(`${CleanText.cleanJson(tail)}}`)
  const end = json.lastIndexOf(closingBrace)
  const wrapped = new Uint8Array(before.length + end + after.length)
  wrapped.set(before)
  wrapped.set(json.subarray(0, end), before.length)
  wrapped.set(after, before.length + end)
  return wrapped
}

const closingBrace = 0x7d

/** Bytes from which copying costs less than writing a text anew. */
const keptBytesMin = 4_096

/** Whether the envelope may and should hold these bytes as they are, which `text` was read from. */
export const isKept = (ids: Pick<EnvelopeIds, "serviceType">, json: Uint8Array, text: string): boolean =>
  json.length >= keptBytesMin && json[0] !== byteOrderMark && CleanText.isClean(text) &&
  !ServiceKinds.isInventory(ids.serviceType)

const byteOrderMark = 0xef

/** Whoever has many messages of the same ids gives the same object each time. */
const opened = new WeakMap<EnvelopeIds, string>()

/** The envelope as far as the message in it. */
const openedFor = (ids: EnvelopeIds): string => {
  const known = opened.get(ids)
  if (known !== undefined) return known
  const made = open(ids)
  opened.set(ids, made)
  return made
}

const open = (ids: EnvelopeIds): string => {
  const head = JSON.stringify({
    poller_id: ids.pollerId,
    agent_id: ids.agentId,
    partition: ids.partition,
    service_type: ids.serviceType,
    service_name: ids.serviceName
  })
  return `${head.slice(0, -1)},"data":`
}

/** What is no JSON becomes some, so that core can read the envelope around it. */
const toDocument = (text: string, empty: string): string => {
  if (text.trim() === "") return empty
  return isJson(text) ? text : JSON.stringify({ message: CleanText.clean(text) })
}

const isJson = (text: string): boolean =>
  !NestingLimit.isPassed(text) && Result.isSuccess(Result.try(() => JSON.parse(text)))

const openingBytes = encoder.encode("{\"poller_id\":")

/** The enveloped message with one more string in its envelope; a message without envelope as it is. */
export const annotate = (message: Uint8Array, key: string, value: string): Uint8Array => {
  if (!openingBytes.every((byte, index) => message[index] === byte)) return message
  const head = encoder.encode(`{${JSON.stringify(key)}:${JSON.stringify(value)},`)
  const annotated = new Uint8Array(head.length + message.length - 1)
  annotated.set(head)
  annotated.set(message.subarray(1), head.length)
  return annotated
}

/** None for a text that is no JSON object. */
export const objectOf = (text: string): Option.Option<{ readonly [key: string]: unknown }> =>
  Option.filter(
    Result.getSuccess(Result.try(() => ExactJson.parse(text))),
    (value): value is { readonly [key: string]: unknown } => Predicate.isObject(value) && !Array.isArray(value)
  )
