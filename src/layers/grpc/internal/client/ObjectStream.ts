/**
 * Node object streams of grpc-js as Effect streams, with back-pressure both ways.
 *
 * Reading takes only what Node has buffered (a message of a stream that is opened `withoutAhead`) and asks for more when
 * that is consumed; writing waits for `drain`. Both therefore stop within a message or two plus the HTTP/2 window when the other
 * side stops. Messages that arrived before a failing status are delivered before the failure, unlike with Node's own iteration.
 */
import { type Array as Arr, Effect, type Exit, type Pull, Stream } from "effect"
import type { Done } from "effect/Cause"
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from "node:stream"
import * as WriteRoom from "../WriteRoom.ts"

/** The part of Node's `Readable` in object mode that is used here; grpc-js does not export its own type. */
interface ObjectReadable<out A> {
  /** Null when nothing is buffered. */
  read(): A | null
  on(event: string, listener: () => void): unknown
}

interface ObjectWritable<in A> extends WriteRoom.Drainable {
  readonly destroyed: boolean
  readonly writableEnded: boolean
  /** False when the message is the last for which there was room. */
  write(message: A): boolean
}

/** Messages handed over per pull. */
const batchSizeMax = 16

/**
 * What it opens reads one message ahead, of megabytes perhaps, and not 16: a stream of grpc-js is made with Node's default
 * and asks for as many.
 */
export const withoutAhead = <A>(open: () => A): A => {
  const before = getDefaultHighWaterMark(true)
  setDefaultHighWaterMark(true, 1)
  try {
    return open()
  } finally {
    setDefaultHighWaterMark(true, before)
  }
}

const takeBuffered = <A>(readable: ObjectReadable<A>): ReadonlyArray<A> => {
  const batch: Array<A> = []
  while (batch.length < batchSizeMax) {
    const message = readable.read()
    if (message === null) break
    batch.push(message)
  }
  return batch
}

const isFilled = <A>(batch: ReadonlyArray<A>): batch is Arr.NonEmptyReadonlyArray<A> => batch.length > 0

/**
 * The messages of `readable`. `howEnded` is asked when nothing is buffered: it answers how the stream ended, or
 * undefined while it goes on; `wakeOn` names the events after which its answer may have changed.
 */
export const read = <A, E>(
  readable: ObjectReadable<A>,
  howEnded: () => Exit.Exit<never, E | Done> | undefined,
  wakeOn: ReadonlyArray<string>
): Stream.Stream<A, E> =>
  Stream.fromPull(Effect.sync((): Pull.Pull<Arr.NonEmptyReadonlyArray<A>, E> => {
    let wake = () => {}
    for (const event of ["readable", ...wakeOn]) readable.on(event, () => wake())
    return Effect.callback((resume) => {
      const settle = (effect: Effect.Effect<Arr.NonEmptyReadonlyArray<A>, E | Done>) => {
        wake = () => {}
        resume(effect)
      }
      wake = () => {
        const batch = takeBuffered(readable)
        if (isFilled(batch)) return settle(Effect.succeed(batch))
        const end = howEnded()
        if (end !== undefined) settle(end)
      }
      wake()
      return Effect.sync(() => {
        wake = () => {}
      })
    })
  }))

/** Hands over one message and waits until there is room for the next. */
export const write = <A>(writable: ObjectWritable<A>, message: A): Effect.Effect<void> =>
  WriteRoom.writing(writable, () => writable.destroyed || writable.writableEnded || writable.write(message))
