/**
 * Response metadata whose name comes several times arrives as a list.
 *
 * Node joins such values with commas before grpc-js sees them, and afterwards nobody can tell them from one value with a
 * comma. Node tells of each new HTTP/2 stream on a diagnostics channel; on those of our channels the headers are put
 * right from their raw form before grpc-js reads them. Where Node has no such channel the values stay joined.
 */
import { subscribe } from "node:diagnostics_channel"
import { EventEmitter } from "node:events"
import type { IncomingHttpHeaders } from "node:http2"

/** Marks the streams of our channels, at the end of their user agent. */
export const userAgent = "serviceradar-effect"

const channelName = "http2.client.stream.created"

/** Replaces what Node joined; grpc-js reads a list as several values. */
export const splitRepeated = (headers: Record<string, unknown>, raw: ReadonlyArray<string>): void => {
  const values = new Map<string, Array<string>>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ""
    const known = values.get(name)
    if (known === undefined) values.set(name, [raw[index + 1] ?? ""])
    else known.push(raw[index + 1] ?? "")
  }
  for (const [name, all] of values) {
    // Bytes are told apart by grpc-js itself, for base64 has no commas.
    if (all.length > 1 && !name.startsWith(":") && !name.endsWith("-bin") && typeof headers[name] === "string") {
      headers[name] = all
    }
  }
}

const fieldOf = (message: unknown, name: "stream" | "headers"): unknown =>
  typeof message === "object" && message !== null ? Reflect.get(message, name) : undefined

const isOurs = (headers: unknown): boolean =>
  typeof headers === "object" && headers !== null &&
  String(Reflect.get(headers, "user-agent")).endsWith(` ${userAgent}`)

let isWatching = false

export const watch = (): void => {
  if (isWatching) return
  isWatching = true
  subscribe(channelName, (message) => {
    const stream = fieldOf(message, "stream")
    if (!(stream instanceof EventEmitter) || !isOurs(fieldOf(message, "headers"))) return
    const split = (headers: IncomingHttpHeaders, _flags: number, raw: ReadonlyArray<string>) =>
      splitRepeated(headers, raw)
    stream.prependOnceListener("response", split)
    stream.prependOnceListener("trailers", split)
  })
}
