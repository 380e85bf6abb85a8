/**
 * Reads one protobuf message from bytes: all of them, or a problem.
 *
 * Generated readers stop without a word at a tag of 0 or an end-group tag, and let a nested message run past the end
 * of its parent. Both usually leave the reader elsewhere than at the end of the bytes, which is refused here, so a
 * message that breaks off gives no rows. Protobuf has no checksum: changed bytes that still read as the same fields
 * cannot be told from intended ones.
 *
 * Nor do they say how many messages they make of a few bytes. They do tell the reader, which all of them share, how deep
 * they are, so that it can count.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { Result } from "effect"
import { fail, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import { objectsPerMessageMax } from "../../../domain/events/stream/EventMessage.ts"

interface Message<A> {
  readonly decode: (reader: BinaryReader) => A
}

/** The least that a nested message takes: its tag and a length of 0. */
const nestedBytes = 2

class CountingReader extends BinaryReader {
  #depth = 0
  #messages = 0

  get __tsProtoDecodeDepth(): number {
    return this.#depth
  }

  /** Set by a generated reader when it begins, to one more than before, and when it ends, to what it was. */
  set __tsProtoDecodeDepth(depth: number) {
    if (depth > this.#depth && ++this.#messages > objectsPerMessageMax) {
      throw new RangeError(`at most ${objectsPerMessageMax} messages in one payload`)
    }
    this.#depth = depth
  }
}

/** Few payloads are so large that they need counting, which makes reading slower. */
const readerOf = (data: Uint8Array): BinaryReader =>
  data.length > nestedBytes * objectsPerMessageMax ? new CountingReader(data) : new BinaryReader(data)

export const read = <A>(message: Message<A>, data: Uint8Array): Result.Result<A, Problem> => {
  const reader = readerOf(data)
  try {
    const value = message.decode(reader)
    return reader.pos === reader.len
      ? Result.succeed(value)
      : fail([], `expected protobuf, but it breaks off at byte ${reader.pos}`)
  } catch (cause) {
    return fail([], `expected protobuf: ${cause instanceof Error ? cause.message : "unreadable"}`)
  }
}
