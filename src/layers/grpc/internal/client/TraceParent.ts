/** `traceparent` as W3C writes it: which trace a call belongs to, and where in it. */
import type { Tracer } from "effect"

const text = (traceId: string, spanId: string, isSampled: boolean): string =>
  `00-${traceId.padStart(32, "0")}-${spanId}-${isSampled ? "01" : "00"}`

export const of = ({ sampled, spanId, traceId }: Tracer.Span): string => text(traceId, spanId, sampled)

/** Told apart from one another, and no secret. */
const randomHex = (digits: number): string => {
  let hex = ""
  while (hex.length < digits) hex += Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, "0")
  return hex
}

/** Of a span below another one, or of a trace of its own, that is not kept itself. */
export const below = (parent: Tracer.AnySpan | "none" | undefined): string =>
  parent === undefined || parent === "none"
    ? text(randomHex(32), randomHex(16), true)
    : text(parent.traceId, randomHex(16), parent.sampled)
