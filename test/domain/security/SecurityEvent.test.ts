import { assert, describe, it } from "@effect/vitest"
import * as EventWindow from "../../../src/domain/security/EventWindow.ts"
import * as SecurityEvent from "../../../src/domain/security/SecurityEvent.ts"

const denied = SecurityEvent.UnauthorizedAccess.make({ peer: "a", action: "/x/Y", reason: "no role" })

describe("SecurityEvent", () => {
  it("is critical as the table says: a success and a rotation are not", () => {
    const attempt = (success: boolean) => SecurityEvent.ConnectionAttempt.make({ peer: "a", success, reason: "" })
    const expiring = (days: number) =>
      SecurityEvent.CertificateExpiring.make({ commonName: "a", days, notAfter: "2026-12-01" })

    assert.deepStrictEqual(
      [
        attempt(true),
        attempt(false),
        SecurityEvent.CertificateRotated.make({ commonName: "a", serialNumber: "1" }),
        SecurityEvent.CertificateRejected.make({ commonName: "a", reason: "expired" }),
        denied,
        SecurityEvent.RateLimitExceeded.make({ peer: "a", perSecond: 1 }),
        SecurityEvent.SignatureInvalid.make({ error: "Replayed", sender: "a", reason: "" }),
        SecurityEvent.CircuitOpened.make({ agent: "a", failures: 3 }),
        expiring(30),
        expiring(1)
      ].map(SecurityEvent.isCritical),
      [false, true, false, true, true, true, true, true, false, true]
    )
  })

  it("is one flat object for a log", () => {
    assert.deepStrictEqual(SecurityEvent.toRecord(denied), {
      security_event: "unauthorized_access",
      critical: true,
      peer: "a",
      action: "/x/Y",
      reason: "no role"
    })
  })
})

describe("EventWindow", () => {
  it("counts by kind what happened in the last 300 s, and holds a bounded number", () => {
    const window = EventWindow.make()
    for (let count = 0; count < 100_000; count++) window.add(denied, 0)
    window.add(SecurityEvent.CertificateRotated.make({ commonName: "a", serialNumber: "1" }), 200_000)

    assert.deepStrictEqual(window.summary(300_000), {
      windowSeconds: 300,
      total: 1_000,
      byKind: { unauthorized_access: 999, certificate_rotated: 1 }
    })
    assert.deepStrictEqual(window.summary(400_000).byKind, { certificate_rotated: 1 })
  })
})
