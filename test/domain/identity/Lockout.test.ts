import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as Lockout from "../../../src/domain/identity/Lockout.ts"

const at = (seconds: number): DateTime.Utc => DateTime.makeUnsafe(1_800_000_000_000 + seconds * 1000)

const after = (moments: ReadonlyArray<number>): Lockout.Failures =>
  moments.reduce<Lockout.Failures>(
    (failures, seconds) => ({ ...Lockout.afterFailure(failures, at(seconds)), lastFailedAt: at(seconds) }),
    { failedSignIns: 0, lastFailedAt: null, lockedUntil: null }
  )

describe("Lockout", () => {
  it("comes with the fifth failure, for a quarter of an hour", () => {
    assert.isFalse(Lockout.isLocked(after([0, 1, 2, 3]), at(4)))
    const locked = after([0, 1, 2, 3, 4])
    assert.isTrue(Lockout.isLocked(locked, at(4 + 15 * 60 - 1)))
    assert.isFalse(Lockout.isLocked(locked, at(4 + 15 * 60)))
  })

  it("forgets failures that are long ago", () => {
    assert.strictEqual(after([0, 1, 2, 3, 4000]).failedSignIns, 1)
    assert.isFalse(Lockout.isLocked(after([0, 1000, 2000, 3000, 4000]), at(4000)))
  })
})
