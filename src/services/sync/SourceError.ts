/** Why a source did not bring all its devices. */
import { type Duration, Option, Schema } from "effect"
import * as PrintableText from "../../domain/config/PrintableText.ts"

/** A small fixed set: it is also a metric's label. */
export const SourceErrorReason = Schema.Literals([
  "unauthorized",
  "forbidden",
  "token",
  "http_status",
  "server_error",
  "rate_limited",
  "timeout",
  "connection",
  "undecodable",
  "refused",
  "too_large",
  "redirect",
  "breaker_open",
  "not_configured",
  "file",
  "empty_page",
  "short_page",
  "next_not_growing",
  "next_negative",
  "next_invalid",
  "page_cap",
  "count_mismatch"
])
export type SourceErrorReason = typeof SourceErrorReason.Type

export class SourceError extends Schema.TaggedError<SourceError>()("SourceError", {
  source: Schema.String,
  reason: SourceErrorReason,
  /** The request or the place in the file, what came and what was expected. */
  detail: Schema.String,
  /** As the source itself asked for. */
  retryAfter: Schema.Option(Schema.DurationFromMillis)
}) {
  override get message(): string {
    return `Source ${this.source}: ${this.reason}: ${this.detail}`
  }
}

/** In characters. */
const detailMax = 500

/** The detail may repeat what a source said: it is made fit for a line. */
export const make = (
  source: string,
  reason: SourceErrorReason,
  detail: string,
  retryAfter: Option.Option<Duration.Duration> = Option.none()
): SourceError => new SourceError({ source, reason, detail: PrintableText.shortened(detail, detailMax), retryAfter })

const passing: ReadonlySet<SourceErrorReason> = new Set([
  "server_error",
  "rate_limited",
  "timeout",
  "connection",
  "undecodable",
  "refused"
])

/** `true` when the same page may come out well when it is asked for again. */
export const isPassing = (error: SourceError): boolean => passing.has(error.reason)
