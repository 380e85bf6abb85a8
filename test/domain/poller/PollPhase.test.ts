import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as PollPhase from "../../../src/domain/poller/PollPhase.ts"

const interval = Duration.seconds(30)

const phases = (size: number) =>
  Array.from({ length: size }, (_, index) => Duration.toMillis(PollPhase.phaseOf(`agent-${index}`, size, interval)))

describe("PollPhase", () => {
  it("spreads a large fleet evenly over the interval", () => {
    const perSecond = Array.from({ length: 30 }, () => 0)
    for (const phase of phases(3_000)) {
      perSecond[Math.floor(phase / 1_000)] = (perSecond[Math.floor(phase / 1_000)] ?? 0) + 1
    }

    assert.strictEqual(perSecond.length, 30)
    assert.isTrue(perSecond.every((count) => count > 60 && count < 140), perSecond.join())
  })

  it("is the same whenever it is asked, and none for a small fleet", () => {
    assert.deepStrictEqual(phases(300), phases(300))
    assert.deepStrictEqual(new Set(phases(200)), new Set([0]))
  })
})
