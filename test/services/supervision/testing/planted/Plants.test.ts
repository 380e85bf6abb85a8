import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as TreeCheck from "../../../../../src/services/supervision/testing/TreeCheck.ts"
import { plants } from "./Plants.ts"

describe("The test kit", () => {
  it.each(plants.map((plant) => [plant.name, plant] as const))("finds a planted fault: %s", async (_, { make }) => {
    const fault = await Effect.runPromise(
      Effect.flip(TreeCheck.check(make(true), { seeds: 200, stopsWithin: "30 seconds" }))
    )

    assert.instanceOf(fault, TreeCheck.TreeFault)
  })

  it.each(plants.map((plant) => [plant.name, plant] as const))(
    "finds nothing once it is mended: %s",
    async (_, { make }) => {
      const report = await Effect.runPromise(TreeCheck.check(make(false), { seeds: 20, stopsWithin: "30 seconds" }))

      assert.strictEqual(report.seeds, 20)
    }
  )
})
