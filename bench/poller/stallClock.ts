/**
 * Loaded into a poller before the poller itself: writes each time that its first thread was busy for long without coming back
 * to its events. One line each: milliseconds of the epoch, and of the processor.
 */
import * as fs from "node:fs"
import { isMainThread } from "node:worker_threads"

const file = process.env["BENCH_STALL_CLOCK"]

/** What takes less is not written; a timer each millisecond sees a millisecond of small steps as one. */
const leastMillis = 2

const cpuMillis = () => {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1_000
}

if (file !== undefined && isMainThread) {
  let lines: Array<string> = []
  let last = cpuMillis()
  setInterval(() => {
    const now = cpuMillis()
    const busy = now - last
    last = now
    if (busy >= leastMillis) lines.push(`${Date.now()} ${busy.toFixed(2)}\n`)
  }, 1).unref()
  setInterval(() => {
    if (lines.length === 0) return
    fs.appendFileSync(file, lines.join(""))
    lines = []
  }, 250).unref()
}
