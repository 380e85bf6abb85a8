/**
 * How a batch of statuses goes to core: as one unary report, or as a chunked stream above 1 MiB.
 *
 * A stream never holds two statuses of the same name and type: Go core glues the chunks of a stream together by these
 * two alone, so the second agent's "ssh" would become part of the first one's. A batch in which that would happen goes
 * as several sends, in order. Slices keep `source` and `kv_store_id`, which the Go poller dropped.
 *
 * A core that takes less than is usual gets more and smaller messages: unary ones for as long as a status fits in one, and
 * smaller slices of a larger one. Those leave `source` out, by which core knows slices of any other length.
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
  /** A slice that is to go without its source. */
  readonly isBare: boolean
  readonly index: number
  readonly total: number
  readonly isFinal: boolean
}

export const estimatedBytes = (status: ServiceStatus): number => status.message.length + fieldsBytes

/** What the message and the names beside it take at most, for a limit that must not be passed. */
export const wireBytesMax = (status: ServiceStatus): number => {
  const { agentId, kvStoreId, message, partition, pollerId, serviceName, serviceType } = status
  const names = serviceName.length + serviceType.length + agentId.length + pollerId.length
  return message.length + 3 * (names + partition.length + kvStoreId.length) + 64
}

/** What a message to core may hold. */
export interface SizeLimits {
  readonly unaryBytes: number
  readonly sliceBytes: number
}

export const usualLimits: SizeLimits = { unaryBytes: unaryBytesMax, sliceBytes: sliceBytesMax }

const isSmaller = ({ unaryBytes }: SizeLimits): boolean => unaryBytes < unaryBytesMax

const sizeIn = (status: ServiceStatus, limits: SizeLimits): number =>
  isSmaller(limits) ? wireBytesMax(status) : estimatedBytes(status)

/** In order and complete: the statuses of all sends together are those of the batch. Empty for an empty batch. */
export const plan = (batch: ReadonlyArray<ServiceStatus>, limits: SizeLimits = usualLimits): ReadonlyArray<Send> => {
  const sends: Array<Send> = []
  let segment = emptySegment()
  for (const status of batch) {
    const key = `${status.serviceName}:${status.serviceType}`
    const bytes = sizeIn(status, limits)
    const isUnique = segment.isUnique && !segment.keys.has(key)
    const isOver = segment.bytes + bytes > limits.unaryBytes && segment.statuses.length > 0
    if (isOver && (!isUnique || isSmaller(limits))) {
      sends.push(toSend(segment, limits))
      segment = emptySegment()
    }
    segment.isUnique = segment.isUnique && !segment.keys.has(key)
    segment.bytes += bytes
    segment.keys.add(key)
    segment.statuses.push(status)
  }
  return segment.statuses.length === 0 ? sends : [...sends, toSend(segment, limits)]
}

interface Segment {
  readonly statuses: Array<ServiceStatus>
  readonly keys: Set<string>
  bytes: number
  isUnique: boolean
}

const emptySegment = (): Segment => ({ statuses: [], keys: new Set(), bytes: 0, isUnique: true })

const toSend = ({ bytes, statuses }: Segment, { unaryBytes }: SizeLimits): Send => ({
  _tag: bytes > unaryBytes ? "Stream" : "Unary",
  statuses
})

/** What the largest message of a send takes. */
export const largestMessage = ({ _tag, statuses }: Send, { sliceBytes }: SizeLimits): number => {
  const sizes = statuses.map(wireBytesMax)
  if (_tag === "Unary") return sizes.reduce((sum, bytes) => sum + bytes, 0)
  return sizes.reduce((most, bytes, index) => {
    const over = Math.max(0, (statuses[index]?.message.length ?? 0) - sliceBytes)
    return Math.max(most, bytes - over)
  }, 0)
}

/** The names of the poller, and of what a slice is of. */
const roomBytes = 2_048
/** A core that refuses less than this does not do so for the size. */
const limitBytesMin = 1_024

/** After a message of so many bytes was too large; `told`: what core says it takes. */
export const limitsBelow = (refusedBytes: number, told: number | undefined): SizeLimits => {
  const known = told === undefined ? Infinity : Math.max(told - roomBytes, told / 2)
  const bytes = Math.max(limitBytesMin, Math.floor(known < refusedBytes ? known : refusedBytes / 2))
  return { unaryBytes: Math.min(unaryBytesMax, bytes), sliceBytes: Math.min(sliceBytesMax, bytes) }
}

export const smaller = (one: SizeLimits, other: SizeLimits): SizeLimits =>
  one.unaryBytes < other.unaryBytes || one.sliceBytes < other.sliceBytes ? one : other

const slicesOf = (status: ServiceStatus, sliceBytes: number): number =>
  Math.max(1, Math.ceil(status.message.length / sliceBytes))

/** The chunks of a stream, made one by one so that the slices never exist all at once. */
export function* chunks(
  statuses: ReadonlyArray<ServiceStatus>,
  sliceBytes: number = sliceBytesMax
): Generator<Chunk, void, unknown> {
  const total = statuses.reduce((sum, status) => sum + slicesOf(status, sliceBytes), 0)
  let index = 0
  for (const status of statuses) {
    const slices = slicesOf(status, sliceBytes)
    const isBare = slices > 1 && sliceBytes !== sliceBytesMax
    for (let slice = 0; slice < slices; slice++) {
      const message = status.message.subarray(slice * sliceBytes, (slice + 1) * sliceBytes)
      const part = slices === 1 ? status : { ...status, message }
      yield { status: part, isBare, index, total, isFinal: index === total - 1 }
      index += 1
    }
  }
}
