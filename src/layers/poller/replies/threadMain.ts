/** What the thread of `ReplyThread` runs: wraps one message after another. */
import * as os from "node:os"
import { parentPort } from "node:worker_threads"
import * as Wrapping from "../../../domain/monitoring/reports/envelope/Wrapping.ts"

interface Question {
  readonly id: number
  readonly wrapping: Wrapping.Wrapping
  readonly message: Uint8Array
}

// Nobody waits for it as the others wait for the thread of the polls. Linux has a priority for each thread, and this is the one
// that asks; elsewhere it would be that of the process.
try {
  if (process.platform === "linux") os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL)
} catch {
  // Where a process may not even be humble, it is as urgent as the others.
}

parentPort?.on("message", ({ id, message, wrapping }: Question) => {
  const wrapped = Wrapping.wrap(wrapping, message)
  const { buffer } = wrapped
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === wrapped.byteLength
  parentPort?.postMessage({ id, wrapped }, isWhole ? [buffer] : [])
})
