import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Standstill from "../../../src/domain/pipeline/Standstill.ts"

/** Looks once a second at these lags and settled counts. */
const watch = (looks: ReadonlyArray<readonly [pending: number, settled: number]>) =>
  looks.reduce((state, [pending, settled], at) => Standstill.observe(state, pending, settled, at * 1000), {
    ...Standstill.start(0)
  })

describe("Standstill", () => {
  it("lasts since messages wait and none is settled", () => {
    const state = watch([[0, 5], [10, 5], [10, 5], [12, 5]])

    assert.strictEqual(Standstill.standingMillis(state, 5000), 4000)
  })

  it("is none while messages are settled, however the lag grows", () => {
    const state = watch([[10, 1], [20, 2], [40, 3], [80, 4]])

    assert.strictEqual(Standstill.standingMillis(state, 3000), 0)
  })

  it("is none while another writer makes the lag shrink", () => {
    const state = watch([[40, 0], [30, 0], [20, 0], [10, 0]])

    assert.strictEqual(Standstill.standingMillis(state, 3000), 0)
  })

  it("is none when nothing waits", () => {
    assert.strictEqual(Standstill.standingMillis(watch([[0, 0], [0, 0]]), 100_000), 0)
  })

  const Looks = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))).check(
    Schema.isMaxLength(20)
  )

  it.effect.prop("never lasts longer than messages wait", [Looks], ([pendings]) =>
    Effect.sync(() => {
      const state = watch(pendings.map((pending) => [pending, 0] as const))
      const lastEmpty = pendings.lastIndexOf(0)
      const atMillis = pendings.length * 1000

      assert.isAtMost(Standstill.standingMillis(state, atMillis), atMillis - Math.max(0, lastEmpty) * 1000)
    }))
})
