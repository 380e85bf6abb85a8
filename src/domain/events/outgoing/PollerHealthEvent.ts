/** That a poller reports or has stopped to, as core's CloudEvent on `events.poller.health`. */
import { DateTime } from "effect"
import type { PollerChange } from "../../monitoring/reports/PollerPresence.ts"
import { json, type Outgoing } from "./Outgoing.ts"

const subject = "events.poller.health"

const instant = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

/** `isAlerted`: webhooks are told as well. */
export const make = (change: PollerChange & { readonly isAlerted: boolean }, id: string): Outgoing => {
  const { atMillis, current, isAlerted, lastSeenMillis, partition, pollerId, previous, sourceIp } = change
  const isBack = previous === "unhealthy" && current === "healthy"
  return json(subject, {
    specversion: "1.0",
    id,
    source: "serviceradar/core",
    type: "com.carverauto.serviceradar.poller.health",
    datacontenttype: "application/json",
    subject,
    time: instant(atMillis),
    data: {
      poller_id: pollerId,
      previous_state: previous,
      current_state: current,
      timestamp: instant(atMillis),
      last_seen: instant(lastSeenMillis),
      host: pollerId,
      remote_addr: sourceIp,
      source_ip: sourceIp,
      partition,
      alert_sent: isAlerted,
      ...(isBack ? { recovery_reason: "status_report_received" } : {})
    }
  })
}
