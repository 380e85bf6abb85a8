/** What webhooks are told of a poller that stops to report or is back, in the form of the existing core. */
import { DateTime, Duration } from "effect"
import { format } from "../config/GoDuration.ts"
import type { PollerChange } from "../monitoring/reports/PollerPresence.ts"

export interface PollerAlert {
  readonly level: "error" | "info"
  readonly title: "Poller Offline" | "Poller Recovered"
  readonly message: string
  /** RFC 3339, to the second. */
  readonly timestamp: string
  readonly poller_id: string
  readonly details: Readonly<Record<string, string>>
}

const instant = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis)).replace(/\.\d+Z$/, "Z")

/** Undefined for a poller that reports for the first time. */
export const of = (change: PollerChange, hostname: string): PollerAlert | undefined => {
  const { atMillis, current, pollerId, previous, silenceMillis } = change
  if (current === "unhealthy") {
    return {
      level: "error",
      title: "Poller Offline",
      message: `Poller '${pollerId}' is offline`,
      timestamp: instant(atMillis),
      poller_id: pollerId,
      details: { duration: format(Duration.millis(Math.round(silenceMillis))), hostname }
    }
  }
  if (previous !== "unhealthy") return undefined
  return {
    level: "info",
    title: "Poller Recovered",
    message: `Poller '${pollerId}' is back online`,
    timestamp: instant(atMillis),
    poller_id: pollerId,
    details: { hostname, recovery_time: instant(atMillis) }
  }
}
