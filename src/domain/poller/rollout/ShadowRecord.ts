/** A status that a shadow would have sent, as a line of JSON. */
import { Option, Schema } from "effect"
import type { ServiceStatus } from "../../monitoring/reports/ServiceStatus.ts"
import type { Sample } from "../comparing/Sample.ts"

/** Longer ones are told by their length alone: an inventory each few minutes would leave room for little else. */
export const messageBytesMax = 256 * 1024

const Line = Schema.fromJsonString(Schema.Struct({
  at: Schema.DateTimeUtcFromString,
  poller_id: Schema.String,
  partition: Schema.String,
  agent_id: Schema.String,
  service_type: Schema.String,
  service_name: Schema.String,
  available: Schema.Boolean,
  /** Nanoseconds. */
  response_time: Schema.Finite,
  source: Schema.String,
  kv_store_id: Schema.String,
  message_bytes: Schema.Int,
  message: Schema.optionalKey(Schema.String)
}))

const decodeLine = Schema.decodeUnknownOption(Line)
const decoder = new TextDecoder()

/** With the line's end. */
export const encode = (status: ServiceStatus, measuredAtMillis: number): string => {
  const { message } = status
  const line: typeof Line.Encoded = JSON.stringify({
    at: new Date(measuredAtMillis).toISOString(),
    poller_id: status.pollerId,
    partition: status.partition,
    agent_id: status.agentId,
    service_type: status.serviceType,
    service_name: status.serviceName,
    available: status.available,
    response_time: Number(status.responseTimeNanos),
    source: status.source,
    kv_store_id: status.kvStoreId,
    message_bytes: message.length,
    ...(message.length > messageBytesMax ? {} : { message: decoder.decode(message) })
  })
  return `${line}\n`
}

/** None for what is no such line, as the last one of a poller that was killed may be. */
export const decode = (line: string): Option.Option<Sample> =>
  Option.map(decodeLine(line), (one) => ({
    atMillis: one.at.epochMilliseconds,
    agentId: one.agent_id,
    serviceType: one.service_type,
    serviceName: one.service_name,
    available: one.available,
    responseTimeNanos: one.response_time,
    source: one.source,
    message: Option.fromNullishOr(one.message)
  }))
