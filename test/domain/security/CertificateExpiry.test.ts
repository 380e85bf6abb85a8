import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import * as CertificateExpiry from "../../../src/domain/security/CertificateExpiry.ts"

const day = 86_400_000
const year = { notBeforeMillis: 0, notAfterMillis: 365 * day }
const at = (daysLeft: number) => Option.getOrNull(CertificateExpiry.warningDue(year, (365 - daysLeft) * day))

describe("CertificateExpiry", () => {
  it("warns 30, 7 and 1 days ahead, and goes on with the last", () => {
    assert.deepStrictEqual([31, 30, 8, 7, 1.5, 1, 0, -3].map(at), [null, 30, 30, 7, 7, 1, 1, 1])
  })

  it("does not warn of a certificate that is renewed every half hour", () => {
    const svid = { notBeforeMillis: 0, notAfterMillis: 3_600_000 }

    assert.deepStrictEqual(CertificateExpiry.warningDue(svid, 3_500_000), Option.none())
  })

  it("never becomes less urgent as time passes", () => {
    const moment = fc.integer({ min: 0, max: 400 * day })
    fc.assert(fc.property(moment, moment, (one, other) => {
      const [early, late] = [Math.min(one, other), Math.max(one, other)]
      const urgency = (now: number) => Option.getOrElse(CertificateExpiry.warningDue(year, now), () => 99)

      assert.isAtLeast(urgency(early), urgency(late))
    }))
  })
})
