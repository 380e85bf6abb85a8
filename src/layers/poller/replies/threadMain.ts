/** What the thread of `ReplyThread` runs: wraps one message after another. */
import { parentPort } from "node:worker_threads"
import * as Wrapping from "../../../domain/monitoring/reports/envelope/Wrapping.ts"
import * as LargeBytes from "../LargeBytes.ts"

interface Question {
  readonly id: number
  readonly wrapping: Wrapping.Wrapping
  readonly message: Uint8Array
}

parentPort?.on("message", ({ id, message, wrapping }: Question) => {
  const wrapped = Wrapping.wrap(wrapping, message)
  const { buffer } = wrapped
  // Else it stays until this thread collects, which it seldom does.
  if (buffer !== message.buffer) LargeBytes.release(message)
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === wrapped.byteLength
  parentPort?.postMessage({ id, wrapped }, isWhole ? [buffer] : [])
})
