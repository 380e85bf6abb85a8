/** Frames of HTTP/2 (RFC 9113, section 4): nine bytes that say length, type, flags and stream, and what follows them. */

export const headBytes = 9

/** What every peer takes, and what this side takes: it does not say anything else. */
export const payloadBytesMax = 16_384

export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9
} as const

export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6
} as const

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/** Writes the head, and answers where it ends. */
export const writeHead = (
  to: Buffer,
  at: number,
  { flags = 0, length, stream = 0, type }: {
    readonly length: number
    readonly type: number
    readonly flags?: number
    readonly stream?: number
  }
): number => {
  to.writeUIntBE(length, at, 3)
  to[at + 3] = type
  to[at + 4] = flags
  return to.writeUInt32BE(stream, at + 5)
}

const withNumber = (head: { readonly type: number; readonly stream?: number }, value: number): Buffer => {
  const frame = Buffer.allocUnsafe(headBytes + 4)
  frame.writeUInt32BE(value, writeHead(frame, 0, { ...head, length: 4 }))
  return frame
}

export const rstStream = (stream: number, code: number): Buffer => withNumber({ type: type.rstStream, stream }, code)

export const windowUpdate = (stream: number, bytes: number): Buffer =>
  withNumber({ type: type.windowUpdate, stream }, bytes)

export const settings = (values: ReadonlyArray<readonly [id: number, value: number]>): Buffer => {
  const frame = Buffer.allocUnsafe(headBytes + 6 * values.length)
  let at = writeHead(frame, 0, { length: 6 * values.length, type: type.settings })
  for (const [id, value] of values) at = frame.writeUInt32BE(value, frame.writeUInt16BE(id, at))
  return frame
}

export const settingsAck: Buffer = Buffer.from([0, 0, 0, type.settings, flag.ack, 0, 0, 0, 0])

export const ping = (payload: Uint8Array, isAck: boolean): Buffer => {
  const frame = Buffer.allocUnsafe(headBytes + 8)
  frame.set(payload, writeHead(frame, 0, { length: 8, type: type.ping, flags: isAck ? flag.ack : 0 }))
  return frame
}

export const goaway = (code: number): Buffer => {
  const frame = Buffer.allocUnsafe(headBytes + 8)
  const at = writeHead(frame, 0, { length: 8, type: type.goaway })
  // This side takes no streams, so the last that it saw is none.
  frame.writeUInt32BE(code, frame.writeUInt32BE(0, at))
  return frame
}
