import { assert, describe, it } from "@effect/vitest"
import { Duration, Option } from "effect"
import * as CallWindow from "../../../../src/domain/breaker/CallWindow.ts"
import * as Rollback from "../../../../src/domain/poller/rollout/Rollback.ts"
import * as Rollout from "../../../../src/domain/poller/rollout/Rollout.ts"

const config = Rollout.fromBlock({ error_percent_max: 1, error_window: Duration.minutes(5), error_polls_min: 100 })
const policy = Rollback.policyOf(config)

const windowOf = (polls: number, errors: number, nowMillis = 0) =>
  Array.from({ length: polls }, (_, index) => index < errors).reduce(
    (window, isFailed) => CallWindow.add(window, policy, { isFailed, durationMillis: 0 }, nowMillis),
    CallWindow.empty
  )

describe("A rollback", () => {
  it("comes when more polls had no answer than may, and only of enough of them", () => {
    assert.isTrue(Option.isNone(Rollback.reasonOf(config, windowOf(1_000, 10))))
    assert.deepStrictEqual(
      Rollback.reasonOf(config, windowOf(1_000, 11)),
      Option.some("11 of 1000 polls in 5m had no answer, 1.1 %; at most 1 % may")
    )
    assert.isTrue(Option.isNone(Rollback.reasonOf(config, windowOf(99, 99))))
  })

  it("forgets what is older than its window", () => {
    const old = windowOf(200, 200)
    const later = CallWindow.add(old, policy, { isFailed: false, durationMillis: 0 }, 400_000)
    assert.deepStrictEqual(CallWindow.totals(later), { calls: 1, failed: 0, slow: 0 })
  })

  it("is read as it was written, and whatever else is in its file", () => {
    const rollback = { atMillis: 1_767_225_600_000, reason: "3 of 4 polls" }
    assert.deepStrictEqual(Rollback.fromText(Rollback.toText(rollback), 5), rollback)
    assert.deepStrictEqual(Rollback.fromText("", 5), { atMillis: 5, reason: "asked for by its file" })
    assert.deepStrictEqual(Rollback.fromText("the new one is odd\n", 5), { atMillis: 5, reason: "the new one is odd" })
  })
})
