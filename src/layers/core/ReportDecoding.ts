/**
 * Reads what pollers send, bounded before anything is made of it.
 *
 * Two bytes of a message can be a whole status, so 4 MiB of them were once 3.5 GB of objects and seconds in which nobody
 * else was served. Here the statuses are counted first, which makes nothing, and then read a slice at a time; between the
 * slices others have their turn.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire"
import { Effect, Result, Schema, Semaphore } from "effect"
import { ServiceStatus } from "../../gen/monitoring/monitoring.ts"

/** The tags of a message without its statuses, as bytes of their own, and where each status begins and ends. */
interface Outline {
  readonly head: Uint8Array
  readonly starts: ReadonlyArray<number>
  readonly ends: ReadonlyArray<number>
}

/** What the bytes are, when they are no such message. */
export class UnreadableReport extends Schema.TaggedError<UnreadableReport>()("UnreadableReport", {
  reason: Schema.String
}) {
  override get message(): string {
    return `the message cannot be read: ${this.reason}`
  }
}

export class TooManyStatuses extends Schema.TaggedError<TooManyStatuses>()("TooManyStatuses", {
  max: Schema.Int
}) {
  override get message(): string {
    return `the message holds more than ${this.max} statuses`
  }
}

/** Of `PollerStatusRequest` and of `PollerStatusChunk`. */
const servicesField = 1
const lengthDelimited = 2

/** Goes through the fields and leaves those of the statuses where they are: a view of each would cost more than all else. */
const outline = (bytes: Uint8Array, statusesMax: number): Outline | undefined => {
  const reader = new BinaryReader(bytes)
  const starts: Array<number> = []
  const ends: Array<number> = []
  const head = new Uint8Array(bytes.length)
  let headBytes = 0
  let headStart = 0
  const keepHead = (end: number): void => {
    if (end === headStart) return
    head.set(bytes.subarray(headStart, end), headBytes)
    headBytes += end - headStart
  }
  while (reader.pos < reader.len) {
    const start = reader.pos
    const [field, wireType] = reader.tag()
    if (field !== servicesField || wireType !== lengthDelimited) {
      reader.skip(wireType, field)
      continue
    }
    if (starts.length === statusesMax) return undefined
    keepHead(start)
    const length = reader.uint32()
    starts.push(reader.pos)
    reader.pos += length
    if (reader.pos > reader.len) throw new RangeError("premature EOF")
    ends.push(reader.pos)
    headStart = reader.pos
  }
  keepHead(reader.pos)
  return { head: head.subarray(0, headBytes), starts, ends }
}

const reasonOf = (cause: unknown): UnreadableReport =>
  new UnreadableReport({ reason: cause instanceof Error ? cause.message : String(cause) })

/** Long enough to cost little, short enough for nobody to notice. */
const sliceMillis = 5
/** Looking at the time costs as much as reading a few. */
const lookEvery = 32
/** Statuses of a message that is mostly read in less than a slice. */
const smallMax = 1_024

/** What is left to read of a message. */
interface Unread<A> {
  readonly reader: BinaryReader
  readonly outline: Outline
  readonly into: Array<A>
  readonly convert: (status: ServiceStatus) => A
}

const decodeOne = <A>({ convert, outline: { ends, starts }, reader }: Unread<A>, at: number): A => {
  const [start = 0, end = 0] = [starts[at], ends[at]]
  reader.pos = start
  const status = ServiceStatus.decode(reader, end - start)
  // Its last field claims bytes of the next status.
  if (reader.pos !== end) throw new RangeError("premature EOF")
  return convert(status)
}

/** Reads on from where the last slice ended. */
const decodeSlice = <A>(unread: Unread<A>) =>
  Result.try({
    try: () => {
      const { into, outline: { starts } } = unread
      const from = into.length
      const endsAt = performance.now() + sliceMillis
      for (let at = from; at < starts.length; at += 1) {
        into.push(decodeOne(unread, at))
        if ((at - from) % lookEvery === lookEvery - 1 && performance.now() > endsAt) return
      }
    },
    catch: reasonOf
  })

export interface ReadOptions<Head, Status> {
  /** Reads what is not a status. */
  readonly decodeHead: (head: Uint8Array) => Head
  readonly convert: (status: ServiceStatus) => Status
  readonly statusesMax: number
}

const hasMore = ({ into, outline: { starts } }: Unread<unknown>): boolean => into.length < starts.length

/** One reader of large messages at a time: the slices of many at once would be no slices. */
export const make = () => {
  const turn = Semaphore.makeUnsafe(1)
  const rest = Effect.fnUntraced(function*<Status>(unread: Unread<Status>) {
    while (hasMore(unread)) {
      yield* Effect.yieldNow
      yield* Effect.fromResult(decodeSlice(unread))
    }
  })

  return Effect.fnUntraced(function*<Head, Status>(bytes: Uint8Array, options: ReadOptions<Head, Status>) {
    const { convert, decodeHead, statusesMax } = options
    const found = yield* Effect.fromResult(Result.try({ try: () => outline(bytes, statusesMax), catch: reasonOf }))
    if (found === undefined) return yield* new TooManyStatuses({ max: statusesMax })
    const head = yield* Effect.fromResult(Result.try({ try: () => decodeHead(found.head), catch: reasonOf }))
    const unread: Unread<Status> = { reader: new BinaryReader(bytes), outline: found, into: [], convert }
    // A large one has no slice before its turn: many that arrive together would have all of theirs in a row.
    if (found.starts.length <= smallMax) yield* Effect.fromResult(decodeSlice(unread))
    if (hasMore(unread)) yield* turn.withPermit(rest(unread))
    return { head, services: unread.into }
  })
}
