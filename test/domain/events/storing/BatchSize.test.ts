import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as BatchSize from "../../../../src/domain/events/storing/BatchSize.ts"

type Step = "timed out" | "rejected" | "succeeded"

const step = (size: BatchSize.BatchSize, what: Step): BatchSize.BatchSize =>
  what === "timed out"
    ? BatchSize.timedOut(size)
    : what === "rejected"
    ? BatchSize.rejected(size)
    : BatchSize.succeeded(size, size.rows)

const steps = fc.array(fc.constantFrom<Step>("timed out", "rejected", "succeeded"), { maxLength: 100 })
const limits = fc.record({ rowsMin: fc.integer({ min: -5, max: 100 }), rowsMax: fc.integer({ min: -5, max: 2_000 }) })

describe("BatchSize", () => {
  it("stays within its limits, whatever happens", () => {
    fc.assert(fc.property(limits, steps, (limits, taken) => {
      const last = taken.reduce(step, BatchSize.make(limits))

      assert.isAtLeast(last.rows, last.rowsMin)
      assert.isAtMost(last.rows, last.rowsMax)
      assert.isTrue(Number.isInteger(last.rows) && last.rows >= 1)
    }))
  })

  it("never grows by a failure nor shrinks by a success", () => {
    fc.assert(fc.property(limits, steps, (limits, taken) => {
      const size = taken.reduce(step, BatchSize.make(limits))

      assert.isAtMost(BatchSize.timedOut(size).rows, size.rows)
      assert.isAtMost(BatchSize.rejected(size).rows, size.rows)
      assert.isAtLeast(BatchSize.succeeded(size, size.rows).rows, size.rows)
    }))
  })

  it("halves after a time-out until the smallest, and is the largest again after enough successes", () => {
    fc.assert(fc.property(limits, steps, (limits, taken) => {
      const size = taken.reduce(step, BatchSize.make(limits))
      const smallest = Array.from({ length: 12 }).reduce<BatchSize.BatchSize>(BatchSize.timedOut, size)
      const largest = Array.from({ length: 200 }).reduce<BatchSize.BatchSize>((now) => step(now, "succeeded"), smallest)

      assert.strictEqual(smallest.rows, size.rowsMin)
      assert.strictEqual(largest.rows, size.rowsMax)
    }))
  })

  it("learns nothing from a statement with few rows", () => {
    const size = BatchSize.timedOut(BatchSize.make({ rowsMin: 10, rowsMax: 1_000 }))

    assert.deepStrictEqual(
      Array.from({ length: 50 }).reduce<typeof size>((now) => BatchSize.succeeded(now, 20), size),
      size
    )
  })

  it("does not go below 250 rows for refused ones alone", () => {
    const size = BatchSize.make({ rowsMin: 10, rowsMax: 1_000 })

    assert.strictEqual(Array.from({ length: 9 }).reduce<typeof size>(BatchSize.rejected, size).rows, 250)
  })
})
