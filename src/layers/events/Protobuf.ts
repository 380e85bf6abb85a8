/**
 * Reads one protobuf message from bytes: all of them, or a problem.
 *
 * Generated readers stop without a word at a tag of 0 or an end-group tag, and let a nested message run past the end
 * of its parent. Both usually leave the reader elsewhere than at the end of the bytes, which is refused here, so a
 * message that breaks off gives no rows. Protobuf has no checksum: changed bytes that still read as the same fields
 * cannot be told from intended ones.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { Result } from "effect"
import { fail, type Problem } from "../../domain/events/DecodeError.ts"

interface Message<A> {
  readonly decode: (reader: BinaryReader) => A
}

export const read = <A>(message: Message<A>, data: Uint8Array): Result.Result<A, Problem> => {
  const reader = new BinaryReader(data)
  try {
    const value = message.decode(reader)
    return reader.pos === reader.len
      ? Result.succeed(value)
      : fail([], `expected protobuf, but it breaks off at byte ${reader.pos}`)
  } catch (cause) {
    return fail([], `expected protobuf: ${cause instanceof Error ? cause.message : "unreadable"}`)
  }
}
