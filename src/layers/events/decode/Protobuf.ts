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
 *
 * What they do not know they skip, as protobuf wants it. So any short text may be a request without records ("hi" is field
 * 13 with 105 in it), and one whose records are where nobody looks for them any more; `foreignRequest` tells these.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { Result } from "effect"
import { fail, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import type { Collector } from "../../../domain/events/decode/Elements.ts"
import { objectsPerMessageMax } from "../../../domain/events/stream/EventMessage.ts"

interface Message<A> {
  readonly decode: (reader: BinaryReader) => A
}

/** The depth of a request's groups, such as `resource_logs`; their records are two below. */
const groupDepth = 2

/** The one field of a group that its readers may not know: it says nothing of records. */
const schemaUrl = 3

/** Sees what is skipped in a request of OTLP and in its groups. */
class WatchingReader extends BinaryReader {
  isForeign = false
  #depth = 0
  #tag = 0

  get __tsProtoDecodeDepth(): number {
    return this.#depth
  }

  set __tsProtoDecodeDepth(depth: number) {
    this.#depth = depth
  }

  constructor(data: Uint8Array) {
    super(data)
    const uint32 = this.uint32.bind(this)
    // Generated readers read a tag by it, right before they skip.
    this.uint32 = () => {
      this.#tag = uint32()
      return this.#tag
    }
  }

  override skip(...given: Parameters<BinaryReader["skip"]>): Uint8Array {
    const isOfGroup = this.#depth === groupDepth && this.#tag >>> 3 !== schemaUrl
    if (this.#depth < groupDepth || isOfGroup) this.isForeign = true
    return super.skip(...given)
  }
}

/**
 * The problem of a request that gives no record: none where it is an empty one, as OTLP allows, and one where it has fields
 * that are none of a request's, or that only requests before version 0.16 had.
 */
const foreignRequest = <A>(message: Message<A>, data: Uint8Array): Problem | undefined => {
  const reader = new WatchingReader(data)
  message.decode(reader)
  return reader.isForeign ? { path: [], reason: "expected protobuf with records of OTLP 0.16 or newer" } : undefined
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

/**
 * Whether each field of the message ends where the message does, or before. A generated reader ends a nested one whose length
 * is beyond that at a tag of 0, which then may be the last byte of all.
 */
const isWhole = (data: Uint8Array): boolean => {
  const reader = new BinaryReader(data)
  try {
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag()
      reader.skip(type, field)
    }
    return true
  } catch {
    return false
  }
}

/** As `read`, of a request of which `take` takes the records; one that has something else in place of them is refused. */
export const readRequest = <A, Row extends object>(
  message: Message<A>,
  data: Uint8Array,
  out: Collector<Row>,
  take: (request: A) => void
): Result.Result<void, Problem> =>
  Result.flatMap(read(message, data), (request) => {
    const before = out.count
    take(request)
    if (out.count > before) return Result.void
    if (!isWhole(data)) return fail([], "expected protobuf, but a field of it is longer than the message")
    const problem = foreignRequest(message, data)
    return problem === undefined ? Result.void : Result.fail(problem)
  })

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
