/**
 * A status as a segment holds it: when it was measured (f64), the length of its fields (u32), the fields as JSON, and its
 * message as it is.
 */
import { Option, Schema } from "effect"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../monitoring/Ids.ts"
import type { ServiceStatus } from "../../monitoring/reports/ServiceStatus.ts"

export interface StoredStatus {
  /** What tells the check apart in the poller's configuration. */
  readonly key: string
  readonly status: ServiceStatus
  readonly measuredAtMillis: number
}

const Fields = Schema.fromJsonString(Schema.Tuple([
  Schema.String,
  ServiceName,
  ServiceType,
  Schema.Boolean,
  Schema.BigIntFromString,
  AgentId,
  PollerId,
  Partition,
  Schema.Literals(["getStatus", "results", "lastKnown"]),
  Schema.String
]))

const decodeFields = Schema.decodeUnknownOption(Fields)

const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder()
const prefixBytes = 12

/** In parts: the last of them is the message itself, which is not copied. */
export const encode = ({ key, measuredAtMillis, status }: StoredStatus): ReadonlyArray<Uint8Array> => {
  const { agentId, available, kvStoreId, message, partition, pollerId, responseTimeNanos, serviceName, serviceType } =
    status
  const fields = textEncoder.encode(JSON.stringify([
    key,
    serviceName,
    serviceType,
    available,
    `${responseTimeNanos}`,
    agentId,
    pollerId,
    partition,
    status.source,
    kvStoreId
  ]))
  const prefix = new Uint8Array(prefixBytes)
  const view = new DataView(prefix.buffer)
  view.setFloat64(0, measuredAtMillis)
  view.setUint32(8, fields.length)
  return [prefix, fields, message]
}

/** Without reading the rest; NaN for what is too short. */
export const measuredAtMillis = (bytes: Uint8Array): number =>
  bytes.length < prefixBytes ? NaN : new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)

/** None for bytes that no status was written as. The message is a copy: the rest of what was read may go. */
export const decode = (bytes: Uint8Array): Option.Option<StoredStatus> => {
  if (bytes.length < prefixBytes) return Option.none()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = prefixBytes + view.getUint32(8)
  if (end > bytes.length) return Option.none()
  return Option.map(decodeFields(textDecoder.decode(bytes.subarray(prefixBytes, end))), (fields) => ({
    key: fields[0],
    measuredAtMillis: view.getFloat64(0),
    status: {
      serviceName: fields[1],
      serviceType: fields[2],
      available: fields[3],
      responseTimeNanos: fields[4],
      agentId: fields[5],
      pollerId: fields[6],
      partition: fields[7],
      source: fields[8],
      kvStoreId: fields[9],
      message: bytes.slice(end)
    }
  }))
}
