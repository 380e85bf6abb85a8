/** What a program prints, up to a limit of both of its streams together. */
import type { Stream } from "./Program.ts"

export interface Printed {
  /** Whether it is still within the limit. */
  readonly add: (stream: Stream, part: Buffer) => boolean
  readonly text: (stream: Stream) => string
}

export const make = (bytesMax: number): Printed => {
  const parts = { stdout: new Array<Buffer>(), stderr: new Array<Buffer>() }
  let bytes = 0
  return {
    add: (stream, part) => {
      bytes += part.length
      if (bytes > bytesMax) return false
      parts[stream].push(part)
      return true
    },
    text: (stream) => Buffer.concat(parts[stream]).toString("utf8")
  }
}
