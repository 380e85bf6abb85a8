/** `traceparent` as W3C writes it: which trace a call belongs to, and where in it. */
import type { Tracer } from "effect"

const text = (traceId: string, spanId: string, isSampled: boolean): string =>
  `00-${traceId.padStart(32, "0")}-${spanId}-${isSampled ? "01" : "00"}`

export const of = ({ sampled, spanId, traceId }: Tracer.Span): string => text(traceId, spanId, sampled)

const scratch = Buffer.alloc(16)

/** Told apart from one another, and no secret. */
const randomHex = (bytes: 8 | 16): string => {
  for (let at = 0; at < bytes; at += 4) scratch.writeUInt32LE(Math.floor(Math.random() * 2 ** 32), at)
  return scratch.toString("hex", 0, bytes)
}

/** Of a span below another one, or of a trace of its own, that is not kept itself. */
export const below = (parent: Tracer.AnySpan | "none" | undefined): string =>
  parent === undefined || parent === "none"
    ? text(randomHex(16), randomHex(8), true)
    : text(parent.traceId, randomHex(8), parent.sampled)
