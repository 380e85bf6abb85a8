/**
 * Loaded into a poller whose latencies are measured, before the poller itself: writes how long each GetStatus took, from
 * when it was handed to the connection until its end was seen. One line each: port, milliseconds of the epoch, milliseconds.
 */
import { subscribe } from "node:diagnostics_channel"
import * as fs from "node:fs"
import type { ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2"

const file = process.env["BENCH_POLL_CLOCK"]

if (file !== undefined) {
  let lines: Array<string> = []
  subscribe("http2.client.stream.created", (message) => {
    // boundary: what Node publishes on this channel
    const { headers, stream } = message as { headers: OutgoingHttpHeaders; stream: ClientHttp2Stream }
    if (headers[":path"] !== "/monitoring.AgentService/GetStatus") return
    const port = String(headers[":authority"]).split(":").at(-1)
    const begun = performance.now()
    stream.once("close", () => {
      lines.push(`${port} ${performance.timeOrigin + begun} ${performance.now() - begun}\n`)
    })
  })
  setInterval(() => {
    if (lines.length === 0) return
    fs.appendFileSync(file, lines.join(""))
    lines = []
  }, 250).unref()
}
