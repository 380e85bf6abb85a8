/** A line of a program's own log for `logs.internal.<program>`: OCSF Event Log Activity, as core has always sent it. */
import { DateTime } from "effect"
import * as Ocsf from "../mapping/ocsf/Ocsf.ts"
import { json, type Outgoing, token } from "./Outgoing.ts"

export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal"

export interface LogLine {
  /** Of the program: `poller`, `core` and so on. */
  readonly program: string
  readonly level: LogLevel
  readonly message: string
  /** What went wrong, rendered; empty when nothing did. */
  readonly cause: string
  readonly annotations: Readonly<Record<string, string | number | boolean>>
  readonly atMillis: number
  /** Empty outside of a trace. */
  readonly traceId: string
  readonly spanId: string
}

const severities = { debug: 1, info: 1, warn: 3, error: 4, fatal: 6 } as const satisfies Record<LogLevel, number>

const textMax = 16_384

const bounded = (text: string): string => text.length <= textMax ? text : `${text.slice(0, textMax)} …`

const failed: ReadonlySet<LogLevel> = new Set(["error", "fatal"])

export const make = (line: LogLine, id: string): Outgoing => {
  const { annotations, atMillis, cause, level, message, program, spanId, traceId } = line
  const severity = severities[level]
  const time = DateTime.formatIso(DateTime.makeUnsafe(atMillis))
  const provider = `serviceradar-${program}`
  const subject = `logs.internal.${token(program)}`
  return json(subject, {
    id,
    time,
    ...Ocsf.eventLogActivity,
    activity_name: "Create",
    severity_id: severity,
    severity: Ocsf.severityName(severity),
    message: bounded(message),
    ...(failed.has(level) ? { status_id: 2, status: "Failure" } : { status_id: 1, status: "Success" }),
    ...(cause === "" ? {} : { status_detail: bounded(cause) }),
    metadata: {
      version: Ocsf.version,
      product: { vendor_name: "ServiceRadar", name: program, version: "1.0.0" },
      logged_time: time
    },
    service_name: provider,
    log_name: subject,
    log_provider: provider,
    log_level: level,
    ...(traceId === "" ? {} : { trace_id: traceId, span_id: spanId }),
    unmapped: annotations
  })
}
