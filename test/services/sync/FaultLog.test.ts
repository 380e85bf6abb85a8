import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as FaultLog from "../../../src/services/sync/FaultLog.ts"

describe("FaultLog", () => {
  it.effect("tells of a fault once, of another at once, and again after a while or when it had passed", () =>
    Effect.gen(function*() {
      const faults = FaultLog.make()
      const lines: Array<string> = []
      const tell = (of: string, fault: string) =>
        faults.tell(of, fault, Effect.sync(() => void lines.push(`${of} ${fault}`)))

      for (let second = 0; second < 300; second++) {
        yield* tell("a", "away")
        yield* TestClock.adjust("1 second")
      }
      yield* tell("b", "away")
      yield* tell("a", "full")
      yield* tell("a", "full")
      yield* faults.over("a")
      yield* tell("a", "full")
      yield* TestClock.adjust("10 minutes")
      yield* tell("a", "full")

      assert.deepStrictEqual(lines, ["a away", "b away", "a full", "a full", "a full"])
    }))
})
