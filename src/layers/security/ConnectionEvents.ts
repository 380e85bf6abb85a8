/**
 * Tells the monitor of connections over TLS, as they come about or fail, from callbacks that may not wait.
 *
 * Every one is counted; of a flood only so many are told, for each telling is a line of the log and may be an alert. A peer
 * that did not verify is known by its address: what its certificate says is told as its word.
 */
import { Clock, Effect } from "effect"
import * as CertificateIdentity from "../../domain/security/CertificateIdentity.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import * as SecurityMetrics from "../../services/security/SecurityMetrics.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import type { ConnectionAttempt } from "../grpc/GrpcCredentials.ts"
import * as PeerCertificate from "./PeerCertificate.ts"

const rate: TokenBucket.TokenBucketOptions = { perSecond: 1, burst: 10 }

const nameOf = ({ certificate }: ConnectionAttempt): string =>
  certificate === undefined ? "" : CertificateIdentity.nameOf(PeerCertificate.identityOf(certificate))

const eventsOf = (attempt: ConnectionAttempt): ReadonlyArray<SecurityEvent.SecurityEvent> => {
  const { address, failure } = attempt
  const name = nameOf(attempt)
  if (failure === undefined) {
    return [SecurityEvent.ConnectionAttempt.make({ peer: name || address, success: true, reason: "" })]
  }
  const reason = name === "" ? failure.reason : `${failure.reason} (it presented ${name})`
  const attempted = SecurityEvent.ConnectionAttempt.make({ peer: address, success: false, reason })
  return failure.isOfCertificate
    ? [SecurityEvent.CertificateRejected.make({ commonName: name, reason: `${address}: ${failure.reason}` }), attempted]
    : [attempted]
}

/** For one direction of one configuration. */
export const recorder: Effect.Effect<(attempt: ConnectionAttempt) => void, never, SecurityMonitor> = Effect.gen(
  function*() {
    const monitor = yield* SecurityMonitor
    const clock = yield* Clock.Clock
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const told = TokenBucket.make(rate)
    return (attempt) => {
      const tell = told.take(clock.currentTimeMillisUnsafe()) ? monitor.record : SecurityMetrics.count
      // Neither waits nor fails.
      run(Effect.forEach(eventsOf(attempt), tell, { discard: true }))
    }
  }
)
