/** What the thread of `ReplyThread` runs: wraps one message after another. */
import { parentPort } from "node:worker_threads"
import * as Wrapping from "../../../domain/monitoring/reports/envelope/Wrapping.ts"

interface Question {
  readonly id: number
  readonly wrapping: Wrapping.Wrapping
  readonly message: Uint8Array
}

parentPort?.on("message", ({ id, message, wrapping }: Question) => {
  const wrapped = Wrapping.wrap(wrapping, message)
  const { buffer } = wrapped
  // It is this thread's alone. Else it stays until this thread collects, which it seldom does.
  if (message.buffer instanceof ArrayBuffer && message.buffer !== buffer) message.buffer.transfer(0)
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === wrapped.byteLength
  parentPort?.postMessage({ id, wrapped }, isWhole ? [buffer] : [])
})
