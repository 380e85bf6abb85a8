/**
 * The set in use of one source, and what is told about it: rotations, refusals and the approach of its end.
 *
 * A refusal is told once, however often the same thing is found.
 */
import { Clock, DateTime, Duration, Effect, Option, SubscriptionRef } from "effect"
import * as CertificateExpiry from "../../domain/security/CertificateExpiry.ts"
import * as CertificateIdentity from "../../domain/security/CertificateIdentity.ts"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import type { CredentialsError, CredentialSet, CredentialSource } from "../../services/security/Credentials.ts"
import * as SecurityMetrics from "../../services/security/SecurityMetrics.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"

export interface CredentialState {
  readonly source: CredentialSource
  readonly accept: (set: CredentialSet) => Effect.Effect<void>
  readonly refuse: (error: CredentialsError) => Effect.Effect<void>
  /** What was refused is in order again. */
  readonly clear: Effect.Effect<void>
  /** Tells of the end of the set as it comes nearer, and takes a set away that has expired where nothing else will do. */
  readonly age: Effect.Effect<void>
}

const commonNameOf = ({ identity }: CredentialSet): string => CertificateIdentity.nameOf(identity)

export const make = Effect.fnUntraced(function*(
  initial: Option.Option<CredentialSet>,
  options: { readonly endsWithExpiry: boolean; readonly waitingFor: string }
): Effect.fn.Return<CredentialState, never, SecurityMonitor> {
  const monitor = yield* SecurityMonitor
  const present = yield* SubscriptionRef.make(initial)
  const listeners = new Set<() => void>()
  let refused = ""
  let warned = ""

  const put = (set: Option.Option<CredentialSet>) =>
    Effect.andThen(
      SubscriptionRef.set(present, set),
      Effect.sync(() => {
        for (const listener of listeners) listener()
      })
    )

  const accept = Effect.fnUntraced(function*(set: CredentialSet) {
    const before = yield* SubscriptionRef.get(present)
    refused = ""
    yield* put(Option.some(set))
    const { serialNumber } = set
    if (Option.exists(before, (one) => one.serialNumber === serialNumber)) return
    yield* monitor.record(SecurityEvent.CertificateRotated.make({ commonName: commonNameOf(set), serialNumber }))
  })

  const refuse = Effect.fnUntraced(function*(error: CredentialsError) {
    const message = `${error.file}: ${error.reason}`
    if (message === refused) return
    refused = message
    const now = yield* SubscriptionRef.get(present)
    const commonName = Option.match(now, { onNone: () => "", onSome: commonNameOf })
    yield* monitor.record(SecurityEvent.CertificateRejected.make({ commonName, reason: message }))
  })

  const warn = Effect.fnUntraced(function*(set: CredentialSet, nowMillis: number) {
    const { notAfterMillis } = set.validity
    yield* SecurityMetrics.expiresIn(commonNameOf(set), Duration.millis(Math.max(0, notAfterMillis - nowMillis)))
    const due = CertificateExpiry.warningDue(set.validity, nowMillis)
    if (Option.isNone(due) || warned === `${set.serialNumber} ${due.value}`) return
    warned = `${set.serialNumber} ${due.value}`
    yield* monitor.record(SecurityEvent.CertificateExpiring.make({
      commonName: commonNameOf(set),
      days: due.value,
      notAfter: DateTime.formatIso(DateTime.makeUnsafe(notAfterMillis))
    }))
  })

  const age = Effect.gen(function*() {
    const set = yield* SubscriptionRef.get(present)
    if (Option.isNone(set)) return
    const nowMillis = yield* Clock.currentTimeMillis
    yield* warn(set.value, nowMillis)
    if (!options.endsWithExpiry || !CertificateExpiry.isExpired(set.value.validity, nowMillis)) return
    yield* put(Option.none())
    yield* monitor.record(
      SecurityEvent.CertificateRejected.make({ commonName: commonNameOf(set.value), reason: "has expired" })
    )
  })

  return {
    source: {
      current: () => SubscriptionRef.getUnsafe(present),
      changes: SubscriptionRef.changes(present),
      onChange: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      trouble: () => refused === "" ? options.waitingFor : refused
    },
    accept,
    refuse,
    clear: Effect.sync(() => {
      refused = ""
    }),
    age
  }
})
