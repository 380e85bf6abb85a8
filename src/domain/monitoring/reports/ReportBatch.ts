/**
 * How a batch of statuses goes to core: as one unary report, or as a chunked stream above 1 MiB.
 *
 * A stream never holds two statuses of the same name and type: Go core glues the chunks of a stream together by these
 * two alone, so the second agent's "ssh" would become part of the first one's. A batch in which that would happen goes
 * as several sends, in order. Slices keep `source` and `kv_store_id`, which the Go poller dropped.
 */
import type { ServiceStatus } from "./ServiceStatus.ts"

const mebibyte = 1_048_576
export const unaryBytesMax = mebibyte
/** Core accepts messages of 4 MiB; a slice leaves room for the fields beside it. */
export const sliceBytesMax = 3 * mebibyte
/** What the fields of a status take beside its message, as the Go poller estimates it. */
const fieldsBytes = 200

export type Send =
  | { readonly _tag: "Unary"; readonly statuses: ReadonlyArray<ServiceStatus> }
  | { readonly _tag: "Stream"; readonly statuses: ReadonlyArray<ServiceStatus> }

export interface Chunk {
  /** A whole status, or one with a slice of the message. */
  readonly status: ServiceStatus
  readonly index: number
  readonly total: number
  readonly isFinal: boolean
}

export const estimatedBytes = (status: ServiceStatus): number => status.message.length + fieldsBytes

/** What the message and the names beside it take at most, for a limit that must not be passed. */
export const wireBytesMax = (status: ServiceStatus): number => {
  const texts = [status.serviceName, status.serviceType, status.agentId, status.pollerId, status.partition]
  return status.message.length + 3 * (status.kvStoreId.length + texts.reduce((sum, { length }) => sum + length, 0)) + 64
}

/** In order and complete: the statuses of all sends together are those of the batch. Empty for an empty batch. */
export const plan = (batch: ReadonlyArray<ServiceStatus>): ReadonlyArray<Send> => {
  const sends: Array<Send> = []
  let segment = emptySegment()
  for (const status of batch) {
    const key = `${status.serviceName}:${status.serviceType}`
    const bytes = segment.bytes + estimatedBytes(status)
    const isUnique = segment.isUnique && !segment.keys.has(key)
    if (bytes > unaryBytesMax && !isUnique) {
      sends.push(toSend(segment))
      segment = emptySegment()
    }
    segment.isUnique = segment.isUnique && !segment.keys.has(key)
    segment.bytes += estimatedBytes(status)
    segment.keys.add(key)
    segment.statuses.push(status)
  }
  return segment.statuses.length === 0 ? sends : [...sends, toSend(segment)]
}

interface Segment {
  readonly statuses: Array<ServiceStatus>
  readonly keys: Set<string>
  bytes: number
  isUnique: boolean
}

const emptySegment = (): Segment => ({ statuses: [], keys: new Set(), bytes: 0, isUnique: true })

const toSend = ({ bytes, statuses }: Segment): Send => ({ _tag: bytes > unaryBytesMax ? "Stream" : "Unary", statuses })

const slicesOf = (status: ServiceStatus): number => Math.max(1, Math.ceil(status.message.length / sliceBytesMax))

/** The chunks of a stream, made one by one so that the slices never exist all at once. */
export function* chunks(statuses: ReadonlyArray<ServiceStatus>): Generator<Chunk, void, unknown> {
  const total = statuses.reduce((sum, status) => sum + slicesOf(status), 0)
  let index = 0
  for (const status of statuses) {
    const slices = slicesOf(status)
    for (let slice = 0; slice < slices; slice++) {
      const message = status.message.subarray(slice * sliceBytesMax, (slice + 1) * sliceBytesMax)
      yield { status: slices === 1 ? status : { ...status, message }, index, total, isFinal: index === total - 1 }
      index += 1
    }
  }
}
