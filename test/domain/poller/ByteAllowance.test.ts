import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ByteAllowance from "../../../src/domain/poller/ByteAllowance.ts"

const limits: ByteAllowance.AllowanceLimits = { bytesPerSecond: 1_000, bytesMax: 10_000 }

describe("The bytes that an agent may send", () => {
  it("are as many at once as there is room for, and so many a second after that", () => {
    const allowance = ByteAllowance.make(limits)

    ByteAllowance.spend(allowance, 10_000, 0)
    assert.isFalse(ByteAllowance.isSpent(allowance, 0))
    ByteAllowance.spend(allowance, 2_000, 0)
    assert.isTrue(ByteAllowance.isSpent(allowance, 0))
    assert.isTrue(ByteAllowance.isSpent(allowance, 1_999))
    assert.isFalse(ByteAllowance.isSpent(allowance, 2_000))
  })

  it("are never more over any time than the limits allow, but for the last answer", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ bytes: fc.nat(5_000), afterMillis: fc.nat(3_000) }), { maxLength: 100 }),
        (asked) => {
          const allowance = ByteAllowance.make(limits)
          let nowMillis = 0
          let sent = 0
          for (const { afterMillis, bytes } of asked) {
            nowMillis += afterMillis
            if (ByteAllowance.isSpent(allowance, nowMillis)) continue
            ByteAllowance.spend(allowance, bytes, nowMillis)
            sent += bytes
          }
          return sent <= limits.bytesMax + nowMillis / 1_000 * limits.bytesPerSecond + 5_000
        }
      )
    )
  })

  it("do not concern who sends little", () => {
    const allowance = ByteAllowance.make(limits)
    for (let second = 0; second < 1_000; second++) {
      assert.isFalse(ByteAllowance.isSpent(allowance, second * 1_000))
      ByteAllowance.spend(allowance, 1_000, second * 1_000)
    }
  })
})
