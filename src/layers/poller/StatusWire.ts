/**
 * What an agent answers to a check, with a large message left where it came: the generated code copies it, and a copy of megabytes
 * outside the heap brings a collection of all of it about.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { StatusResponse } from "../../gen/monitoring/monitoring.ts"
import * as LargeBytes from "./LargeBytes.ts"

/** monitoring.proto: `message = 2`, with its length in front. */
const messageTag = 18
const endOfGroup = 4

/** As the generated code reads it, but for the memory of the message. */
export const read = (bytes: Buffer): StatusResponse => {
  if (!LargeBytes.isLarge(bytes)) return StatusResponse.decode(bytes)
  const reader = new BinaryReader(bytes)
  const others: Array<Buffer> = []
  let message: Uint8Array | undefined
  while (reader.pos < reader.len) {
    const start = reader.pos
    const tag = reader.uint32()
    const wireType = tag & 7
    if (wireType === endOfGroup || tag === 0) break
    if (tag === messageTag) message = reader.bytes()
    else {
      reader.skip(wireType)
      others.push(bytes.subarray(start, reader.pos))
    }
  }
  const rest = StatusResponse.decode(Buffer.concat(others))
  return message === undefined ? rest : { ...rest, message: LargeBytes.asBuffer(message) }
}
