/**
 * Loaded into a poller whose latencies are measured, before the poller itself: writes how long each GetStatus took, from
 * when it was handed to the connection until its end was seen. One line each: port, milliseconds of the epoch, milliseconds.
 */
import { subscribe } from "node:diagnostics_channel"
import * as fs from "node:fs"

const file = process.env["BENCH_POLL_CLOCK"]

if (file !== undefined) {
  let lines: Array<string> = []
  subscribe("serviceradar.grpc.client.call", (message) => {
    // boundary: what the client publishes on this channel
    const { beganMillis, path, target } = message as { path: string; target: string; beganMillis: number }
    if (path !== "/monitoring.AgentService/GetStatus") return
    const port = target.split(":").at(-1)
    lines.push(`${port} ${performance.timeOrigin + beganMillis} ${performance.now() - beganMillis}\n`)
  })
  setInterval(() => {
    if (lines.length === 0) return
    fs.appendFileSync(file, lines.join(""))
    lines = []
  }, 250).unref()
}
