/**
 * Messages as gRPC frames them on a stream: one byte that says whether the message is compressed, four bytes of length,
 * the message.
 */
import { Option, Result } from "effect"
import { type GrpcError, Internal, ResourceExhausted } from "../GrpcError.ts"

const headBytes = 5

export interface Frame {
  readonly isCompressed: boolean
  readonly bytes: Buffer
}

/** What stands in front of a message. */
export const headOf = (messageBytes: number): Buffer => {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(messageBytes, 1)
  return head
}

export const encode = (message: Uint8Array, isCompressed: boolean): Buffer => {
  const frame = Buffer.allocUnsafe(headBytes + message.length)
  frame.writeUInt8(isCompressed ? 1 : 0, 0)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, headBytes)
  return frame
}

/** Frames shorter than this are put together when they are whole. */
export const gatheredMin = 65_536

/** Of a frame that must have come before room is made for the rest: nobody gets memory for a claim alone. */
const gatheredShare = 4

/** Cuts what arrives into frames; fails for good at a frame that is too long or has an unknown flag. */
export class FrameDecoder {
  readonly #bytesMax: number
  #chunks: Array<Buffer> = []
  #length = 0
  /** Room for the whole of a long frame, of which `#length` bytes are there; there are no chunks then. */
  #gathered: Buffer | undefined

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What is lent is read before this returns. */
  push(chunk: Buffer, isLent = false): void {
    const rest = this.#gathered === undefined ? chunk : this.#fill(this.#gathered, chunk)
    this.#length += rest.length
    if (rest.length > 0) this.#chunks.push(isLent ? Buffer.from(rest) : rest)
  }

  /** Answers with what belongs to the frames behind. */
  #fill(gathered: Buffer, chunk: Buffer): Buffer {
    const copied = chunk.copy(gathered, this.#length)
    this.#length += copied
    if (this.#length === gathered.length) {
      this.#chunks = [gathered]
      this.#gathered = undefined
    }
    return chunk.subarray(copied)
  }

  /** Whether there are bytes of a frame that is not whole yet. */
  get isMidFrame(): boolean {
    return this.#length > 0
  }

  /** How long the message is of which only a part is there yet, where it is so long that room is made for all of it; else 0. */
  get awaitedBytes(): number {
    const head = this.#gathered ?? this.#chunks[0]
    if (head === undefined || head.length < headBytes) return 0
    const length = head.readUInt32BE(1)
    return length >= gatheredMin && this.#length < headBytes + length ? length : 0
  }

  /** Makes room for all of a long frame, of which there is more to come. */
  gather(): void {
    const { awaitedBytes } = this
    if (awaitedBytes > 0 && this.#gathered === undefined) this.#gather(headBytes + awaitedBytes)
  }

  /** Bytes that wait for the rest of their frame. */
  get heldBytes(): number {
    return this.#length
  }

  /** Forgets them. */
  clear(): void {
    this.#chunks = []
    this.#gathered = undefined
    this.#length = 0
  }

  /** The next whole frame, or none until more bytes arrive. */
  next(): Result.Result<Option.Option<Frame>, GrpcError> {
    if (this.#length < headBytes || this.#gathered !== undefined) return Result.succeed(Option.none())
    const head = this.#first(headBytes)
    const flag = head.readUInt8(0)
    const length = head.readUInt32BE(1)
    if (flag > 1) return Result.fail(new Internal({ detail: `a message with the unknown flag ${flag}` }))
    if (length > this.#bytesMax) {
      const detail = `received a message of ${length} bytes, at most ${this.#bytesMax} are taken`
      return Result.fail(new ResourceExhausted({ detail }))
    }
    if (this.#length < headBytes + length) {
      if (length >= gatheredMin && this.#length >= length / gatheredShare) this.#gather(headBytes + length)
      return Result.succeed(Option.none())
    }
    const bytes = this.#take(headBytes + length).subarray(headBytes)
    return Result.succeed(Option.some({ isCompressed: flag === 1, bytes }))
  }

  /** Each byte of a long frame is copied once, as it comes. */
  #gather(bytes: number): void {
    const gathered = Buffer.allocUnsafeSlow(bytes)
    let at = 0
    for (const chunk of this.#chunks) at += chunk.copy(gathered, at)
    this.#chunks = []
    this.#gathered = gathered
  }

  /** Makes the first chunk at least this long. */
  #first(bytes: number): Buffer {
    const [first] = this.#chunks
    if (first !== undefined && first.length >= bytes) return first
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }

  #take(bytes: number): Buffer {
    const first = this.#first(bytes)
    this.#length -= bytes
    if (first.length === bytes) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(bytes)
    return first.subarray(0, bytes)
  }
}
