/** What webhooks are told of a poller that stops to report or is back, in the form of the existing core. */
import { DateTime, Duration } from "effect"
import { format } from "../config/GoDuration.ts"
import type { PollerTurn } from "./PollerTurn.ts"

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

export const of = ({ atMillis, isMissed, pollerId, silenceMillis }: PollerTurn, hostname: string): PollerAlert =>
  isMissed
    ? {
      level: "error",
      title: "Poller Offline",
      message: `Poller '${pollerId}' is offline`,
      timestamp: instant(atMillis),
      poller_id: pollerId,
      details: { duration: format(Duration.millis(Math.round(silenceMillis))), hostname }
    }
    : {
      level: "info",
      title: "Poller Recovered",
      message: `Poller '${pollerId}' is back online`,
      timestamp: instant(atMillis),
      poller_id: pollerId,
      details: { hostname, recovery_time: instant(atMillis) }
    }
