/**
 * Reports as core takes them. A report for a whole poller has thousands of statuses: it is written in pieces, between which
 * polls go on. Messages of megabytes are copied once: the generated code copies them three times, which brings a collection of
 * the whole heap about.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire"
import { Effect, Iterable } from "effect"
import * as Wire from "../../gen/monitoring/monitoring.ts"
import * as LargeBytes from "./LargeBytes.ts"

/** monitoring.proto: `services = 1` of a report and of a chunk, `message = 3` of a status; both have a length in front. */
const servicesTag = 10
const messageTag = 26

const none = Buffer.alloc(0)
const noFields = { pollerId: "", agentId: "", timestamp: 0n, partition: "", sourceIp: "", kvStoreId: "" }

/** Half a millisecond of work. */
const pieceStatuses = 64

const headOf = (tag: number, bytes: number): Uint8Array => new BinaryWriter().uint32(tag).uint32(bytes).finish()

/** The message is the last of its status: fields may stand in any order. */
const partsOf = (status: Wire.ServiceStatus): ReadonlyArray<Uint8Array> => {
  const { message } = status
  const others = Wire.ServiceStatus.encode({ ...status, message: none }).finish()
  const head = headOf(messageTag, message.length)
  return [headOf(servicesTag, others.length + head.length + message.length), others, head, message]
}

const isLarge = ({ message }: Wire.ServiceStatus): boolean => LargeBytes.isLarge(message)

/** Put together they are the report, because a list may come in parts. */
function* pieces(services: Iterable<Wire.ServiceStatus>, others: Uint8Array) {
  let small: Array<Wire.ServiceStatus> = []
  const written = () => {
    const bytes = Wire.PollerStatusRequest.encode({ ...noFields, services: small }).finish()
    small = []
    return bytes
  }
  for (const status of services) {
    if (isLarge(status)) yield* [...small.length > 0 ? [written()] : [], ...partsOf(status)]
    else if (small.push(status) === pieceStatuses) yield written()
  }
  if (small.length > 0) yield written()
  yield others
}

/** Large ones, by what they were made of, until that has arrived. */
const made = new WeakMap<object, Buffer>()

/**
 * Of the last one that has arrived: pages that the system gives anew take several times as long as the copy. Weakly held, so
 * that a collection of the whole heap ends it where there are no more of them.
 */
let spare: WeakRef<Buffer> | undefined

/** Core takes messages of 4 MiB. */
const spareBytes = 4 * 2 ** 20
/** Smaller ones are made as ever. */
const spareFrom = 2 ** 19

const roomFor = (bytes: number): Buffer => {
  if (bytes < spareFrom || bytes > spareBytes) return Buffer.allocUnsafe(bytes)
  const room = spare?.deref() ?? Buffer.allocUnsafeSlow(spareBytes)
  spare = undefined
  return room.subarray(0, bytes)
}

const together = (report: object, parts: ReadonlyArray<Uint8Array>): Buffer => {
  const bytes = roomFor(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  made.set(report, bytes)
  return bytes
}

/** Those whose bytes nobody reads any more, unless they are sent once more. */
const gone = new WeakSet<object>()

/** All of it has gone out. */
export const left = (report: object): void => void gone.add(report)

/** Core has it: nobody sends it once more. */
export const arrived = (report: object): void => {
  const bytes = made.get(report)
  // A core that answers before it has read all may read on from the same memory.
  if (bytes === undefined || !gone.has(report) || !made.delete(report)) return
  const { buffer } = bytes
  if (buffer.byteLength === spareBytes) spare = new WeakRef(Buffer.from(buffer))
  else LargeBytes.release(bytes)
}

const otherFields = (request: Wire.PollerStatusRequest): Uint8Array =>
  Wire.PollerStatusRequest.encode({ ...request, services: [] }).finish()

/**
 * The report to send. A large one is written piece by piece, each status in the form of the wire no longer than its piece
 * takes; then `ofRequest` has it already.
 */
export const prepare = Effect.fnUntraced(function*<A>(
  head: Omit<Wire.PollerStatusRequest, "services">,
  statuses: ReadonlyArray<A>,
  toWire: (status: A) => Wire.ServiceStatus
) {
  if (statuses.length <= pieceStatuses) return { ...head, services: statuses.map(toWire) }
  const request = { ...head, services: [] }
  const parts: Array<Uint8Array> = []
  for (const piece of pieces(Iterable.map(statuses, (status) => toWire(status)), otherFields(request))) {
    parts.push(piece)
    yield* Effect.yieldNow
  }
  together(request, parts)
  return request
})

export const ofRequest = (request: Wire.PollerStatusRequest): Buffer => {
  const prepared = made.get(request)
  if (prepared !== undefined) return prepared
  return request.services.some(isLarge)
    ? together(request, [...pieces(request.services, otherFields(request))])
    : LargeBytes.asBuffer(Wire.PollerStatusRequest.encode(request).finish())
}

export const ofChunk = (chunk: Wire.PollerStatusChunk): Buffer =>
  chunk.services.some(isLarge)
    ? together(chunk, [
      ...pieces(chunk.services, Wire.PollerStatusChunk.encode({ ...chunk, services: [] }).finish())
    ])
    : LargeBytes.asBuffer(Wire.PollerStatusChunk.encode(chunk).finish())
