import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import * as Forgiven from "./Forgiven.ts"

const fault = (kind: string, atMillis: number, lastsMillis: number, target = "poller-0"): Fault => ({
  kind,
  target,
  atMillis,
  lastsMillis,
  amount: 0.5
})

describe("What a kill may take along", () => {
  it("is what a disk that takes nothing has left in memory, also when a pause kept it there", () => {
    // Seed 1, rough, an hour: the disk was full, then the process stood still, then it was killed.
    const plan = [fault("diskFull", 2_465_079, 69_451), fault("pause", 2_524_966, 85_741), fault("kill", 2_576_153, 0)]

    assert.strictEqual(Forgiven.heldBackSince(plan, "poller-0", 2_576_153), 2_465_079)
  })

  it("is what a process leaves that another takes over from while a disk takes nothing, and nothing where it does", () => {
    // Seed 113, hostile: the disk was full, core away, and another process took over.
    const plan = [fault("diskFull", 296_048, 75_952), fault("replace", 308_606, 45_000)]

    assert.strictEqual(Forgiven.heldBackUntil(plan, "poller-0", 308_606), 296_048)
    assert.strictEqual(Forgiven.heldBackUntil(plan.slice(1), "poller-0", 308_606), Infinity)
  })

  it("is nothing more when the disk had its time, or it was another one's", () => {
    const plan = [fault("diskFull", 100_000, 20_000), fault("diskFull", 140_000, 20_000, "poller-1")]

    assert.strictEqual(Forgiven.heldBackSince(plan, "poller-0", 150_000), Infinity)
  })
})
