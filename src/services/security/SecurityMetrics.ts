/**
 * What is counted about security. Peers appear by the service that their identity names, never by address or by the name
 * that a stranger chose: the number of series must not be in anybody's hand.
 */
import { Duration, Effect, Metric } from "effect"
import { RoleName } from "../../domain/security/Role.ts"
import type { SecurityEvent } from "../../domain/security/SecurityEvent.ts"
import { names } from "../../domain/security/SecurityEvent.ts"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

const connectionAttempts = counter("security_connection_attempts_total", "Connections asked for, by result and peer")
const authChecks = counter("security_auth_checks_total", "Authorisations of calls, by result, action and peer")
const authCheckSeconds = Metric.histogram("security_auth_check_duration_seconds", {
  description: "Time that authorising one call takes",
  boundaries: [0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.01]
})
const certRotations = counter("security_cert_rotations_total", "Certificates that replaced another, by common name")
const circuitChanges = counter(
  "security_circuit_breaker_state_changes_total",
  "Circuits of failures of security, by new state and by what changed it"
)
const events = counter("security_events_total", "Security events, by kind")
const secondsToExpiry = Metric.gauge("security_cert_expiry_seconds", {
  description: "Time until the certificate in use expires, by common name"
})
export const alertsDropped = counter("security_alerts_dropped_total", "Alerts left out because too many were waiting")
export const alertsFailed = counter("security_alerts_failed_total", "Alerts that could not be delivered")

const services: ReadonlySet<string> = new Set([...RoleName.literals, "db-event-writer", "datasvc"])

/** One of a fixed set. */
export const peerLabel = (commonName: string): string => {
  const service = commonName.slice(commonName.lastIndexOf("/") + 1).replace(/^serviceradar-|\.serviceradar$/g, "")
  return services.has(service) ? service : "other"
}

export const count = (event: SecurityEvent): Effect.Effect<void> => {
  const counted = Metric.update(Metric.withAttributes(events, { kind: names[event._tag] }), 1)
  switch (event._tag) {
    case "ConnectionAttempt": {
      const labels = { result: event.success ? "success" : "failure", peer: peerLabel(event.peer) }
      return Effect.andThen(counted, Metric.update(Metric.withAttributes(connectionAttempts, labels), 1))
    }
    case "CertificateRotated":
      return Effect.andThen(
        counted,
        Metric.update(Metric.withAttributes(certRotations, { cert_cn: peerLabel(event.commonName) }), 1)
      )
    default:
      return counted
  }
}

/** `action` is the permission that was asked for. */
export const authorized = (
  check: { readonly isAllowed: boolean; readonly action: string; readonly peer: string; readonly seconds: number }
): Effect.Effect<void> =>
  Effect.andThen(
    Metric.update(
      Metric.withAttributes(authChecks, {
        result: check.isAllowed ? "allowed" : "denied",
        action: check.action,
        peer: peerLabel(check.peer)
      }),
      1
    ),
    Metric.update(authCheckSeconds, check.seconds)
  )

export const circuitChanged = (newState: string, reason: string): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(circuitChanges, { new_state: newState, reason }), 1)

export const expiresIn = (commonName: string, left: Duration.Duration): Effect.Effect<void> =>
  Metric.update(
    Metric.withAttributes(secondsToExpiry, { cert_cn: peerLabel(commonName) }),
    Duration.toSeconds(left)
  )
