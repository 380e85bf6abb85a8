import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Paging from "../../../src/domain/inventory/Paging.ts"
import * as SourceGuard from "../../../src/domain/inventory/SourceGuard.ts"

const page: Paging.Page = { from: 100, count: 100, next: 200, total: 1_000 }

describe("Paging", () => {
  it("goes on where the source says, and ends when the source says", () => {
    assert.deepStrictEqual(Paging.advance(page, 1, 10), { _tag: "Next", from: 200 })
    assert.deepStrictEqual(Paging.advance({ ...page, next: undefined }, 1, 10), { _tag: "End" })
  })

  it.each<[Paging.IncompleteReason, Partial<Paging.Page>]>([
    ["next_negative", { next: -5 }],
    ["next_not_growing", { next: 100 }],
    ["next_not_growing", { next: 50 }],
    ["next_invalid", { next: 150.5 }],
    ["next_invalid", { next: Number.NaN }],
    ["empty_page", { count: 0 }],
    ["short_page", { count: 60 }]
  ])("is incomplete because of %s: %o", (reason, change) => {
    const step = Paging.advance({ ...page, ...change }, 1, 10)

    assert.strictEqual(step._tag === "Incomplete" ? step.reason : step._tag, reason)
  })

  it("ends at the cap of pages, whatever the source says", () => {
    fc.assert(fc.property(fc.infiniteStream(fc.nat(1_000)), fc.integer({ min: 1, max: 50 }), (steps, pagesMax) => {
      let from = 0
      let index = 0
      for (const step of steps) {
        const next = Paging.advance({ from, count: step, next: from + step, total: undefined }, index, pagesMax)
        if (next._tag !== "Next") return
        from = next.from
        index += 1
        assert.isBelow(index, pagesMax)
      }
    }))
  })

  it("is complete only with as many devices as the source said", () => {
    assert.isUndefined(Paging.settle(1_000, 1_000))
    assert.isUndefined(Paging.settle(1_000, undefined))
    assert.strictEqual(Paging.settle(999, 1_000)?.reason, "count_mismatch")
  })
})

describe("SourceGuard", () => {
  const policy: SourceGuard.GuardPolicy = { threshold: 0.8, confirmFirst: false }

  it.each<[number, number | undefined, string]>([
    [1_000, undefined, "Accepted"],
    [0, undefined, "no_devices"],
    [0, 1_000, "no_devices"],
    [0, 0, "Accepted"],
    [799, 1_000, "too_few_devices"],
    [800, 1_000, "Accepted"],
    [5_000, 1_000, "Accepted"]
  ])("judges %d devices after %s: %s", (devices, lastGood, expected) => {
    const verdict = SourceGuard.judge(policy, devices, lastGood)

    assert.strictEqual(verdict._tag === "Held" ? verdict.reason : verdict._tag, expected)
  })

  it("waits for a person at the first run when it is told to", () => {
    const verdict = SourceGuard.judge({ ...policy, confirmFirst: true }, 5, undefined)

    assert.strictEqual(verdict._tag === "Held" ? verdict.reason : "", "first_run")
  })
})
