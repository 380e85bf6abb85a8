import { assert, describe, it } from "@effect/vitest"
import * as CheckBackoff from "../../../../src/domain/monitoring/checks/CheckBackoff.ts"

const seconds = (count: number): bigint => BigInt(count) * 1_000_000_000n

describe("CheckBackoff", () => {
  it("never reuses a healthy answer", () => assert.isFalse(CheckBackoff.isCached(CheckBackoff.healthy, 0n)))

  it("believes a first failure for 5 s, a second for 10 s, and none for longer than 150 s", () => {
    const first = CheckBackoff.failed(CheckBackoff.healthy, 0n)
    const second = CheckBackoff.failed(first, 0n)
    const many = Array.from({ length: 50 }).reduce(
      (state: CheckBackoff.CheckBackoff) => CheckBackoff.failed(state, 0n),
      first
    )

    assert.deepStrictEqual([4, 5].map((at) => CheckBackoff.isCached(first, seconds(at))), [true, false])
    assert.deepStrictEqual([9, 10].map((at) => CheckBackoff.isCached(second, seconds(at))), [true, false])
    assert.deepStrictEqual([149, 150].map((at) => CheckBackoff.isCached(many, seconds(at))), [true, false])
  })
})
