/** How `serviceradar up` was asked to run, and what follows for its output. */
import type { Duration } from "effect"
import type { LogStream } from "../../layers/telemetry/Logging.ts"

export interface UpOptions {
  readonly directory: string
  /** Poll once, answer and exit. */
  readonly once: boolean
  readonly json: boolean
  /** Core, agent and poller know each other by certificates. */
  readonly mtls: boolean
  /** With a sync service and made-up sources. */
  readonly demo: boolean
  /** Stop by itself after this time. */
  readonly runFor: Duration.Duration | undefined
}

/** What stdout is used for. */
export type Output = "live" | "log" | "json-lines" | "json-array" | "table"

export const outputOf = (options: Pick<UpOptions, "once" | "json">, isTerminal: boolean): Output => {
  if (options.once) return options.json ? "json-array" : "table"
  if (options.json) return "json-lines"
  return isTerminal ? "live" : "log"
}

/** Where logs go; undefined when they must not touch the terminal. */
export const logStreamOf = (output: Output): LogStream | undefined =>
  output === "live" ? undefined : output === "log" ? "stdout" : "stderr"
