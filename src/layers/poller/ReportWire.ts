/**
 * Reports as core takes them, with the messages of their statuses copied once: the generated code copies a message of
 * megabytes three times, which brings a collection of the whole heap about.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire"
import * as Wire from "../../gen/monitoring/monitoring.ts"
import * as LargeBytes from "./LargeBytes.ts"

/** monitoring.proto: `services = 1` of a report and of a chunk, `message = 3` of a status; both have a length in front. */
const servicesTag = 10
const messageTag = 26

const none = Buffer.alloc(0)

const headOf = (tag: number, bytes: number): Uint8Array => new BinaryWriter().uint32(tag).uint32(bytes).finish()

/** The message is the last of its status: fields may stand in any order. */
const partsOf = (status: Wire.ServiceStatus): ReadonlyArray<Uint8Array> => {
  const { message } = status
  const others = Wire.ServiceStatus.encode({ ...status, message: none }).finish()
  const head = message.length === 0 ? none : headOf(messageTag, message.length)
  return [headOf(servicesTag, others.length + head.length + message.length), others, head, message]
}

const hasLarge = (services: ReadonlyArray<Wire.ServiceStatus>): boolean =>
  services.some(({ message }) => LargeBytes.isLarge(message))

/** Large ones, by what they were made of, until that has arrived. */
const made = new WeakMap<object, Buffer>()

const together = (report: object, parts: ReadonlyArray<Uint8Array>): Buffer => {
  const bytes = Buffer.concat(parts)
  made.set(report, bytes)
  return bytes
}

/** Core has it: nobody sends it once more. */
export const arrived = (report: object): void => {
  const bytes = made.get(report)
  if (bytes !== undefined) LargeBytes.release(bytes)
}

export const ofRequest = (request: Wire.PollerStatusRequest): Buffer => {
  const { services } = request
  return hasLarge(services)
    ? together(request, [
      ...services.flatMap(partsOf),
      Wire.PollerStatusRequest.encode({ ...request, services: [] }).finish()
    ])
    : LargeBytes.asBuffer(Wire.PollerStatusRequest.encode(request).finish())
}

export const ofChunk = (chunk: Wire.PollerStatusChunk): Buffer => {
  const { services } = chunk
  return hasLarge(services)
    ? together(chunk, [
      ...services.flatMap(partsOf),
      Wire.PollerStatusChunk.encode({ ...chunk, services: [] }).finish()
    ])
    : LargeBytes.asBuffer(Wire.PollerStatusChunk.encode(chunk).finish())
}
