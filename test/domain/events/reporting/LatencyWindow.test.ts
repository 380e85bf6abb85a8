import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { LatencyWindow } from "../../../../src/domain/events/reporting/LatencyWindow.ts"

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Samples = Schema.Array(Millis).check(Schema.isMinLength(1), Schema.isMaxLength(200))

describe("LatencyWindow", () => {
  it.effect.prop(
    "gives quantiles at most a tenth too high and never too low",
    [Samples],
    ([samples]) =>
      Effect.sync(() => {
        const latencies = new LatencyWindow()
        for (const sample of samples) latencies.add(sample, 1_000)
        const sorted = samples.toSorted((left, right) => left - right)

        const found = latencies.quantiles(1_000)
        for (const [quantile, value] of [[0.5, found?.p50], [0.99, found?.p99]] as const) {
          const exact = sorted[Math.ceil(samples.length * quantile) - 1] ?? 0
          assert.isAtLeast(value ?? 0, exact - 1)
          assert.isAtMost(value ?? 0, exact * 1.1 + 1)
        }
      })
  )

  it("forgets what is older than a minute", () => {
    const latencies = new LatencyWindow()
    latencies.add(5_000, 1_000)
    latencies.add(10, 65_000)

    assert.strictEqual(latencies.quantiles(65_000)?.p99, 11)
    assert.isUndefined(latencies.quantiles(200_000))
  })

  it("knows nothing without samples", () => {
    assert.isUndefined(new LatencyWindow().quantiles(0))
  })
})
