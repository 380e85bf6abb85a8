import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
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

describe("Any security event", () => {
  const text = fc.string({ unit: "binary" })
  const event: fc.Arbitrary<SecurityEvent.SecurityEvent> = fc.oneof(
    fc.record({ peer: text, success: fc.boolean(), reason: text }).map((of) =>
      SecurityEvent.ConnectionAttempt.make(of)
    ),
    fc.record({ commonName: text, reason: text }).map((of) => SecurityEvent.CertificateRejected.make(of)),
    fc.record({ peer: text, action: text, reason: text }).map((of) => SecurityEvent.UnauthorizedAccess.make(of)),
    fc.record({ peer: text, perSecond: fc.integer() }).map((of) => SecurityEvent.RateLimitExceeded.make(of)),
    fc.record({ sender: text, error: text, reason: text }).map((of) => SecurityEvent.SignatureInvalid.make(of)),
    fc.record({ commonName: text, serialNumber: text }).map((of) => SecurityEvent.CertificateRotated.make(of)),
    fc.record({ commonName: text, days: fc.nat(), notAfter: text }).map((of) =>
      SecurityEvent.CertificateExpiring.make(of)
    ),
    fc.record({ agent: text, failures: fc.nat() }).map((of) => SecurityEvent.CircuitOpened.make(of)),
    fc.record({ target: text, reason: text }).map((of) => SecurityEvent.TargetDenied.make(of))
  )

  it("is one line of JSON that reads back as it was, whatever a peer put into it", () => {
    fc.assert(fc.property(event, (one) => {
      const record = SecurityEvent.toRecord(one)
      const line = JSON.stringify(record)

      assert.notInclude(line, "\n")
      assert.deepStrictEqual(JSON.parse(line), record)
      assert.strictEqual(record["security_event"], SecurityEvent.names[one._tag])
    }))
  })

  it("is counted by the window for 300 s, never more than it holds", () => {
    fc.assert(fc.property(
      fc.array(fc.tuple(event, fc.integer({ min: 0, max: 200_000 })), { maxLength: 50 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      (events, laterMillis) => {
        const window = EventWindow.make()
        let now = 0
        const times = events.map(([one, afterMillis]) => {
          now += afterMillis
          window.add(one, now)
          return now
        })
        const { byKind, total } = window.summary(now + laterMillis)

        assert.strictEqual(total, times.filter((at) => now + laterMillis - at <= 300_000).length)
        assert.strictEqual(Object.values(byKind).reduce((sum, count) => sum + count, 0), total)
      }
    ))
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
