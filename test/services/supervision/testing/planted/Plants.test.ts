import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as TreeCheck from "../../../../../src/services/supervision/testing/TreeCheck.ts"
import { currentSeed } from "../../../../support/StepBudget.ts"
import { plants } from "./Plants.ts"

/** Under small step budgets each test runs again and again, each time with other faults. */
const drawn = (seeds: number) => {
  const seed = currentSeed()
  return seed === undefined ? { seeds } : { seeds: 1, firstSeed: seed }
}

describe("The test kit", () => {
  it.each(plants.map((plant) => [plant.name, plant] as const))(
    "finds a planted fault: %s",
    { meta: { hasOwnBudgets: true } },
    async (_, { make }) => {
      const options = { firstSeed: currentSeed() ?? 1, seeds: 200, stopsWithin: "30 seconds" } as const
      const fault = await Effect.runPromise(Effect.flip(TreeCheck.check(make(true), options)))

      assert.instanceOf(fault, TreeCheck.TreeFault)
    }
  )

  it.each(plants.map((plant) => [plant.name, plant] as const))(
    "finds nothing once it is mended: %s",
    async (_, { make }) => {
      const { seeds, ...options } = drawn(20)
      const report = await Effect.runPromise(
        TreeCheck.check(make(false), { ...options, seeds, stopsWithin: "30 seconds" })
      )

      assert.strictEqual(report.seeds, seeds)
    }
  )
})
