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

/** The tags of a message without its statuses, as bytes of their own, and where each status is. */
interface Outline {
  readonly head: Uint8Array
  readonly statuses: ReadonlyArray<Uint8Array>
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

/** Goes through the fields and leaves those of the statuses where they are. */
const outline = (bytes: Uint8Array, statusesMax: number): Outline | undefined => {
  const reader = new BinaryReader(bytes)
  const statuses: Array<Uint8Array> = []
  const head = new Uint8Array(bytes.length)
  let headBytes = 0
  while (reader.pos < reader.len) {
    const start = reader.pos
    const [field, wireType] = reader.tag()
    if (field === servicesField && wireType === lengthDelimited) {
      if (statuses.length === statusesMax) return undefined
      statuses.push(reader.bytes())
      continue
    }
    reader.skip(wireType, field)
    head.set(bytes.subarray(start, reader.pos), headBytes)
    headBytes += reader.pos - start
  }
  return { head: head.subarray(0, headBytes), statuses }
}

const reasonOf = (cause: unknown): UnreadableReport =>
  new UnreadableReport({ reason: cause instanceof Error ? cause.message : String(cause) })

/** Long enough to cost little, short enough for nobody to notice. */
const sliceMillis = 5
/** Looking at the time costs as much as reading a few. */
const lookEvery = 32

const decodeSlice = <A>(
  statuses: ReadonlyArray<Uint8Array>,
  from: number,
  into: Array<A>,
  convert: (status: ServiceStatus) => A
) =>
  Result.try({
    try: () => {
      const endsAt = performance.now() + sliceMillis
      for (let at = from; at < statuses.length; at += 1) {
        const status = statuses[at]
        if (status !== undefined) into.push(convert(ServiceStatus.decode(status)))
        if ((at - from) % lookEvery === lookEvery - 1 && performance.now() > endsAt) return at + 1
      }
      return statuses.length
    },
    catch: reasonOf
  })

export interface ReadOptions<Head, Status> {
  /** Reads what is not a status. */
  readonly decodeHead: (head: Uint8Array) => Head
  readonly convert: (status: ServiceStatus) => Status
  readonly statusesMax: number
}

/** One reader of large messages at a time: the slices of many at once would be no slices. */
export const make = () => {
  const turn = Semaphore.makeUnsafe(1)
  const rest = Effect.fnUntraced(function*<Status>(
    statuses: ReadonlyArray<Uint8Array>,
    from: number,
    services: Array<Status>,
    convert: (status: ServiceStatus) => Status
  ) {
    let at = from
    while (at < statuses.length) {
      yield* Effect.yieldNow
      at = yield* Effect.fromResult(decodeSlice(statuses, at, services, convert))
    }
  })

  return Effect.fnUntraced(function*<Head, Status>(bytes: Uint8Array, options: ReadOptions<Head, Status>) {
    const { convert, decodeHead, statusesMax } = options
    const found = yield* Effect.fromResult(Result.try({ try: () => outline(bytes, statusesMax), catch: reasonOf }))
    if (found === undefined) return yield* new TooManyStatuses({ max: statusesMax })
    const head = yield* Effect.fromResult(Result.try({ try: () => decodeHead(found.head), catch: reasonOf }))
    const services: Array<Status> = []
    const at = yield* Effect.fromResult(decodeSlice(found.statuses, 0, services, convert))
    if (at < found.statuses.length) yield* turn.withPermit(rest(found.statuses, at, services, convert))
    return { head, services }
  })
}
