/** One call of a session: what it has still to send, and what of the peer's bytes it has taken. */
import * as Frame from "./Frame.ts"

/** What becomes of a call; all of it synchronously. */
export interface StreamListener {
  /** Names and values in turn. */
  readonly headers: (raw: ReadonlyArray<string>, isEnd: boolean) => void
  /** The bytes count until it returns. */
  readonly data: (bytes: Buffer) => void
  /** Last, and once, unless the call is cancelled: the code of RST_STREAM, and whether the session went with it. */
  readonly closed: (code: number, isLost: boolean) => void
}

/** The trailers, or that there are none. */
export type End = ReadonlyArray<string> | "none"

export interface WireStream {
  readonly listener: StreamListener
  /** 0 while it waits for its turn. */
  id: number
  /** What is not sent yet, */
  rest: Buffer | undefined
  /** and what goes out behind it. */
  later: ReadonlyArray<Buffer>
  /** There may be more to send. */
  isOpen: boolean
  /** Called once all of it has left for the system, unless the call ends before. */
  sent: (() => void) | undefined
  sendWindow: number
  /** Of the peer's bytes since it was told last that there is room for more. */
  taken: number
  hasHeaders: boolean
  isPaused: boolean
  /** What came while it was paused, as copies, and the headers at the end. */
  held: ReadonlyArray<Buffer>
  heldEnd: End | undefined
}

/** The room that the peer has for each call, and that it is told of again when half of it is used. */
export const windowBytes = 256 * 1_024

const nothing: ReadonlyArray<Buffer> = []

/** One without a body has it later. */
export const make = (listener: StreamListener, body: Buffer | undefined): WireStream => ({
  listener,
  id: 0,
  rest: body,
  later: nothing,
  isOpen: body === undefined,
  sent: undefined,
  sendWindow: 0,
  taken: 0,
  hasHeaders: false,
  isPaused: false,
  held: nothing,
  heldEnd: undefined
})

/** Whether the peer waits for more of the request. */
export const isSending = ({ isOpen, rest }: WireStream): boolean => isOpen || rest !== undefined

/** The bytes may be those of a buffer that is filled again. */
export const hold = (stream: WireStream, bytes: Buffer): void => {
  stream.held = [...stream.held, Buffer.from(bytes)]
}

/** The oldest that is held. */
export const take = (stream: WireStream): Buffer | undefined => {
  const [first, ...others] = stream.held
  stream.held = others
  return first
}

/** For how many bytes more the peer is to be told that there is room; 0 while it has enough. */
export const roomToTell = (stream: WireStream): number => {
  if (stream.isPaused || stream.taken <= windowBytes / 2) return 0
  const held = stream.held.reduce((sum, { length }) => sum + length, 0)
  const room = stream.taken - held
  stream.taken = held
  return room
}

/** What padding and priority leave of a payload; undefined when they leave less than nothing. */
export const unpadded = (flags: number, payload: Buffer, type: number): Buffer | undefined => {
  let start = 0
  let end = payload.length
  if ((flags & Frame.flag.padded) !== 0) {
    const padding = payload[0]
    if (padding === undefined) return undefined
    start += 1
    end -= padding
  }
  if (type === Frame.type.headers && (flags & Frame.flag.priority) !== 0) start += 5
  return start > end ? undefined : start === 0 && end === payload.length ? payload : payload.subarray(start, end)
}
