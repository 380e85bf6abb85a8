/**
 * What goes out over a session: within one turn of the event loop all of it is one write, and of a request only as much as
 * the peer has room for.
 */
import type { OutgoingHttpHeaders } from "node:http2"
import type * as net from "node:net"
import { setImmediate } from "node:timers"
import * as Frame from "./Frame.ts"
import { HeaderEncoder } from "./HeaderEncoder.ts"
import type { WireStream } from "./WireStream.ts"

const windowBytesDefault = 65_535
const windowBytesMax = 2 ** 31 - 1

/** Of requests, for a peer that allows more than its line takes: what else is to be said to it waits behind them. */
const unsentBodyBytesMax = 256 * 1_024
/** Longer ones are not copied to be written together. */
const copiedBytesMax = 4_096

export class Sending {
  readonly #socket: net.Socket
  readonly #encoder = new HeaderEncoder()
  #out: Array<Buffer> = []
  #isFlushing = false
  #isOver = false
  /** What the peer has room for in all, and for each call at its beginning. */
  #window = windowBytesDefault
  #streamWindow = windowBytesDefault
  #frameBytes = Frame.payloadBytesMax
  /** Of requests, those that the system does not have yet: all of them, and what the next write adds. */
  #bodyBytes = 0
  #bodyBytesAdded = 0
  #isHeld = false
  /** Who is told when the next write is done. */
  #written: Array<() => void> = []
  /** There is room again for requests that had none. */
  onRoom: () => void = () => {}

  constructor(socket: net.Socket) {
    this.#socket = socket
  }

  /** Not read by the peer yet, as far as this side knows. */
  get unsentBytes(): number {
    return this.#socket.writableLength + Frame.headBytes * this.#out.length
  }

  write(bytes: Buffer): void {
    if (this.#isOver) return
    this.#out.push(bytes)
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => {
      this.#isFlushing = false
      this.flush()
    })
  }

  flush(): void {
    const out = this.#out
    this.#out = []
    const [first] = out
    if (this.#isOver || first === undefined) return
    const done = this.#bodyBytesAdded > 0 || this.#written.length > 0 ? this.#onWritten() : undefined
    if (out.length === 1) this.#socket.write(first, done)
    else if (out.every(({ length }) => length <= copiedBytesMax)) this.#socket.write(Buffer.concat(out), done)
    else {
      this.#socket.cork()
      out.forEach((bytes, index) => this.#socket.write(bytes, index === out.length - 1 ? done : undefined))
      this.#socket.uncork()
    }
  }

  /** Also of a write that fails: then the session is at its end. */
  #onWritten(): () => void {
    const bytes = this.#bodyBytesAdded
    const told = this.#written
    this.#bodyBytesAdded = 0
    this.#written = []
    return () => {
      this.#bodyBytes -= bytes
      for (const done of told) done()
      if (!this.#isHeld || this.#isOver) return
      this.#isHeld = false
      this.onRoom()
    }
  }

  /** Nothing more goes out. */
  end(): void {
    this.#isOver = true
    this.#out = []
  }

  /** Headers, and of the body what there is room for. */
  open(stream: WireStream, headers: OutgoingHttpHeaders): void {
    stream.sendWindow = this.#streamWindow
    const block = this.#encoder.encode(headers)
    const body = stream.rest
    const isAll = !stream.isOpen && stream.later.length === 0 && stream.sent === undefined
    if (body !== undefined && isAll && block.length <= this.#frameBytes && this.#fits(stream, body.length)) {
      return this.#sendWhole(stream, block, body)
    }
    this.#sendHeaders(stream.id, block)
    this.sendBody(stream)
  }

  sendBody(stream: WireStream): void {
    while (stream.rest !== undefined) {
      const { later, rest } = stream
      if (this.#bodyBytes >= unsentBodyBytesMax) {
        this.#isHeld = true
        return
      }
      const room = Math.min(stream.sendWindow, this.#window, this.#frameBytes)
      if (room <= 0 && rest.length > 0) return
      const part = rest.subarray(0, room)
      const isWhole = part.length === rest.length
      const isLast = isWhole && later.length === 0 && !stream.isOpen
      const head = Buffer.allocUnsafe(Frame.headBytes)
      Frame.writeHead(head, 0, {
        length: part.length,
        type: Frame.type.data,
        flags: isLast ? Frame.flag.endStream : 0,
        stream: stream.id
      })
      this.write(head)
      this.write(part)
      this.#take(stream, part.length)
      this.#bodyBytes += part.length
      this.#bodyBytesAdded += part.length
      stream.rest = isWhole ? later[0] : rest.subarray(part.length)
      if (isWhole && later.length > 0) stream.later = later.slice(1)
    }
    if (stream.sent === undefined) return
    this.#written.push(stream.sent)
    stream.sent = undefined
  }

  /** The peer has room for more of all; false for more than there can be. */
  widen(bytes: number): boolean {
    this.#window += bytes
    return bytes > 0 && this.#window <= windowBytesMax
  }

  widenFor(stream: WireStream, bytes: number): boolean {
    stream.sendWindow += bytes
    return bytes > 0 && stream.sendWindow <= windowBytesMax
  }

  /** By how much the room for each call that there is has changed; undefined for more than there can be. */
  setStreamWindow(bytes: number): number | undefined {
    if (bytes > windowBytesMax) return undefined
    const before = this.#streamWindow
    this.#streamWindow = bytes
    return bytes - before
  }

  /** False for less than every end takes. */
  setFrameBytes(bytes: number): boolean {
    this.#frameBytes = Math.min(Frame.payloadBytesMax, bytes)
    return bytes >= Frame.payloadBytesMax
  }

  setTableBytes(bytes: number): void {
    this.#encoder.resize(bytes)
  }

  #fits({ sendWindow }: WireStream, bytes: number): boolean {
    return bytes <= this.#frameBytes && bytes <= sendWindow && bytes <= this.#window
  }

  #take(stream: WireStream, bytes: number): void {
    stream.sendWindow -= bytes
    this.#window -= bytes
  }

  /** The usual call: both frames in one buffer. */
  #sendWhole(stream: WireStream, block: Buffer, body: Buffer): void {
    stream.rest = undefined
    this.#take(stream, body.length)
    const { id } = stream
    const frames = Buffer.allocUnsafe(2 * Frame.headBytes + block.length + body.length)
    const { data, headers } = Frame.type
    const { endHeaders, endStream } = Frame.flag
    let at = Frame.writeHead(frames, 0, { length: block.length, type: headers, flags: endHeaders, stream: id })
    frames.set(block, at)
    at = Frame.writeHead(frames, at + block.length, { length: body.length, type: data, flags: endStream, stream: id })
    frames.set(body, at)
    this.write(frames)
  }

  #sendHeaders(stream: number, block: Buffer): void {
    for (let at = 0; at === 0 || at < block.length;) {
      const part = block.subarray(at, at + this.#frameBytes)
      const frame = Buffer.allocUnsafe(Frame.headBytes + part.length)
      const start = Frame.writeHead(frame, 0, {
        length: part.length,
        type: at === 0 ? Frame.type.headers : Frame.type.continuation,
        flags: at + part.length >= block.length ? Frame.flag.endHeaders : 0,
        stream
      })
      frame.set(part, start)
      at += Math.max(1, part.length)
      this.write(frame)
    }
  }
}
