/**
 * What happened that somebody responsible for security wants to know.
 *
 * None of the fields holds a secret: names of peers, methods and reasons only. Critical ones are told at once, beyond the
 * log.
 */
import { Schema } from "effect"

const peer = Schema.String

export const ConnectionAttempt = Schema.TaggedStruct("ConnectionAttempt", {
  peer,
  success: Schema.Boolean,
  reason: Schema.String
})
export const CertificateRejected = Schema.TaggedStruct("CertificateRejected", {
  commonName: Schema.String,
  reason: Schema.String
})
export const UnauthorizedAccess = Schema.TaggedStruct("UnauthorizedAccess", {
  peer,
  action: Schema.String,
  reason: Schema.String
})
export const RateLimitExceeded = Schema.TaggedStruct("RateLimitExceeded", { peer, perSecond: Schema.Number })
export const SignatureInvalid = Schema.TaggedStruct("SignatureInvalid", {
  sender: peer,
  /** Which check it did not pass, by the name of its error: `Replayed`, `TooOld`, … */
  error: Schema.String,
  reason: Schema.String
})
export const CertificateRotated = Schema.TaggedStruct("CertificateRotated", {
  commonName: Schema.String,
  serialNumber: Schema.String
})
export const CertificateExpiring = Schema.TaggedStruct("CertificateExpiring", {
  commonName: Schema.String,
  days: Schema.Number,
  notAfter: Schema.String
})
export const CircuitOpened = Schema.TaggedStruct("CircuitOpened", { agent: Schema.String, failures: Schema.Number })
export const TargetDenied = Schema.TaggedStruct("TargetDenied", { target: Schema.String, reason: Schema.String })

export const SecurityEvent = Schema.Union([
  ConnectionAttempt,
  CertificateRejected,
  UnauthorizedAccess,
  RateLimitExceeded,
  SignatureInvalid,
  CertificateRotated,
  CertificateExpiring,
  CircuitOpened,
  TargetDenied
])
export type SecurityEvent = typeof SecurityEvent.Type
export type SecurityEventTag = SecurityEvent["_tag"]

/** For logs, metrics and webhooks; stable. */
export const names: Readonly<Record<SecurityEventTag, string>> = {
  ConnectionAttempt: "connection_attempt",
  CertificateRejected: "certificate_validation_failed",
  UnauthorizedAccess: "unauthorized_access",
  RateLimitExceeded: "rate_limit_exceeded",
  SignatureInvalid: "message_signature_invalid",
  CertificateRotated: "certificate_rotated",
  CertificateExpiring: "certificate_expiring",
  CircuitOpened: "security_circuit_opened",
  TargetDenied: "target_denied"
}

export const isCritical = (event: SecurityEvent): boolean => {
  switch (event._tag) {
    case "ConnectionAttempt":
      return !event.success
    case "CertificateRotated":
      return false
    case "CertificateExpiring":
      return event.days <= 1
    default:
      return true
  }
}

/** As one flat JSON object. */
export const toRecord = (event: SecurityEvent): Readonly<Record<string, string | number | boolean>> => {
  const { _tag, ...fields } = event
  return { security_event: names[_tag], critical: isCritical(event), ...fields }
}
