import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as SweepCompletion from "../../../src/domain/poller/SweepCompletion.ts"

const sweep = (
  progress: SweepCompletion.SweepProgress,
  rest: Partial<SweepCompletion.SweepCompletion> = {}
): SweepCompletion.SweepCompletion => ({
  progress,
  completedAtSeconds: 0n,
  targetSequence: "7",
  targets: 10,
  targetsDone: 5,
  error: "",
  ...rest
})

const progressOf = (...all: ReadonlyArray<SweepCompletion.SweepProgress>) =>
  SweepCompletion.together(all.map((one) => sweep(one)))?.progress

describe("The sweeps of several agents", () => {
  it("are nothing where no agent says anything", () => {
    assert.isUndefined(SweepCompletion.together([]))
  })

  it("are completed when all are, failed when one is, and else under way", () => {
    assert.strictEqual(progressOf("completed", "completed"), "completed")
    assert.strictEqual(progressOf("completed", "failed", "inProgress"), "failed")
    assert.strictEqual(progressOf("completed", "notStarted"), "inProgress")
    assert.strictEqual(progressOf("notStarted", "unknown"), "notStarted")
    assert.strictEqual(progressOf("completed", "inProgress"), "inProgress")
    assert.strictEqual(progressOf("unknown"), "unknown")
  })

  it("end with the last of them, and say what was wrong", () => {
    const both = SweepCompletion.together([
      sweep("completed", { completedAtSeconds: 20n, targetsDone: 10 }),
      sweep("failed", { completedAtSeconds: 10n, error: "no route" })
    ])

    assert.deepStrictEqual(
      both,
      sweep("failed", { completedAtSeconds: 20n, targets: 20, targetsDone: 15, error: "no route" })
    )
  })

  it("are the same in any order, but for which error is told", () => {
    const any = fc.record({
      progress: fc.constantFrom<SweepCompletion.SweepProgress>(
        "unknown",
        "notStarted",
        "inProgress",
        "completed",
        "failed"
      ),
      completedAtSeconds: fc.bigInt({ min: 0n, max: 100n }),
      targetSequence: fc.constantFrom("1", "2"),
      targets: fc.nat(100),
      targetsDone: fc.nat(100),
      error: fc.constant("")
    })
    fc.assert(fc.property(fc.array(any, { minLength: 1 }), (all) => {
      const one = SweepCompletion.together(all)
      const other = SweepCompletion.together(all.toReversed())
      assert.deepStrictEqual(one, other)
    }))
  })
})
