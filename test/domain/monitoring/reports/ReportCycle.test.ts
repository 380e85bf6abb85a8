import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as ReportCycle from "../../../../src/domain/monitoring/reports/ReportCycle.ts"

const make = () =>
  ReportCycle.make({ startMillis: 1_000, intervalMillis: 30_000, waitMillis: 5_000, expected: new Set(["a", "b"]) })

const untilNext = (cycle: ReportCycle.ReportCycle, nowMillis: number) =>
  Duration.toMillis(ReportCycle.untilNext(cycle, nowMillis))

describe("ReportCycle", () => {
  it("waits with the first report for every check, for a cycle at most", () => {
    const cycle = make()
    ReportCycle.note(cycle, "a")

    assert.deepStrictEqual([1_000, 30_999, 31_000].map((now) => ReportCycle.mayReport(cycle, now)), [
      false,
      false,
      true
    ])
    ReportCycle.note(cycle, "b")
    assert.isTrue(ReportCycle.mayReport(cycle, 2_000))
  })

  it("has the cycle's report when all have been measured, and the next no later than 5 s into the next cycle", () => {
    const cycle = make()
    ReportCycle.note(cycle, "a")
    const early = ReportCycle.isAllMeasured(cycle)
    ReportCycle.note(cycle, "b")

    assert.deepStrictEqual([early, ReportCycle.isAllMeasured(cycle), untilNext(cycle, 1_100)], [false, true, 4_900])
    ReportCycle.reported(cycle, 1_100, false)
    assert.strictEqual(untilNext(cycle, 1_100), 34_900)
  })

  it("does not take what is early and not complete for the cycle's report", () => {
    const cycle = make()
    ReportCycle.note(cycle, "a")
    ReportCycle.reported(cycle, 2_000, false)

    assert.strictEqual(untilNext(cycle, 2_000), 4_000)
  })

  it.each([5_998, 6_000, 6_007])("is not due again when the latest moment was met at %d", (nowMillis) => {
    const cycle = make()
    ReportCycle.reported(cycle, nowMillis, true)

    assert.strictEqual(untilNext(cycle, nowMillis), 36_000 - nowMillis)
  })

  it("is never complete without checks", () => {
    assert.isFalse(ReportCycle.isAllMeasured(
      ReportCycle.make({ startMillis: 0, intervalMillis: 1_000, waitMillis: 5_000, expected: new Set() })
    ))
  })

  it("goes on when checks come and go: none that is new holds up a report, and each has a cycle to answer", () => {
    const before = make()
    ReportCycle.note(before, "a")
    ReportCycle.note(before, "b")
    ReportCycle.reported(before, 2_000, false)
    const after = ReportCycle.revise(before, { ...before.options, expected: new Set(["b", "c"]) }, 50_000)

    assert.isTrue(ReportCycle.mayReport(after, 50_000))
    assert.deepStrictEqual(ReportCycle.unanswered(after, 79_999), [])
    assert.deepStrictEqual(ReportCycle.unanswered(after, 80_000), ["c"])
    ReportCycle.note(after, "b")
    assert.isFalse(ReportCycle.isAllMeasured(after))
    ReportCycle.note(after, "c")
    assert.isTrue(ReportCycle.isAllMeasured(after))
    assert.strictEqual(untilNext(after, 50_000), untilNext(before, 50_000))
  })
})
