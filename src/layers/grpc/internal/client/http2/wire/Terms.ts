/** What the peer allows this side: its SETTINGS, and how much of all calls it has room for. */
import type * as Breach from "./Breach.ts"
import { flowControl, frameSize, protocol } from "./Breach.ts"
import * as Frame from "./Frame.ts"
import type { Sending } from "./Sending.ts"
import type { Streams } from "./Streams.ts"

const tooLarge = flowControl("a window that is too large")

export class Terms {
  readonly #streams: Streams
  readonly #sending: Sending
  /** They have come: it speaks HTTP/2. */
  isKnown = false

  constructor(streams: Streams, sending: Sending) {
    this.#streams = streams
    this.#sending = sending
  }

  settings(payload: Buffer): Breach.Breach | undefined {
    if (payload.length % 6 !== 0) return frameSize("SETTINGS of another size")
    for (let at = 0; at < payload.length; at += 6) {
      const breach = this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
      if (breach !== undefined) return breach
    }
    return undefined
  }

  /** Of all calls together. */
  window(bytes: number): Breach.Breach | undefined {
    if (!this.#sending.widen(bytes)) return tooLarge
    this.#streams.sendMore()
    return undefined
  }

  #set(id: number, value: number): Breach.Breach | undefined {
    switch (id) {
      case Frame.setting.headerTableSize:
        return void this.#sending.setTableBytes(value)
      case Frame.setting.maxConcurrentStreams:
        return void this.#streams.limit(value)
      case Frame.setting.initialWindowSize: {
        const more = this.#sending.setStreamWindow(value)
        if (more === undefined) return tooLarge
        for (const stream of this.#streams.open()) stream.sendWindow += more
        return undefined
      }
      case Frame.setting.maxFrameSize:
        return this.#sending.setFrameBytes(value) ? undefined : protocol("frames that are too small")
      default:
        return undefined
    }
  }
}
