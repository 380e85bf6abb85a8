import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { SupervisionTree } from "../../../../src/services/supervision/SupervisionTree.ts"
import { ModelCheck, SupervisorModel } from "../../../../src/services/supervision/testing/index.ts"
import { currentSeed } from "../../../support/StepBudget.ts"
import { supervisorWorld } from "../model/ModelledLife.ts"

const time = Layer.mergeAll(TestClock.layer(), SupervisionTree.layer, Logger.layer([]))

/** Takes each transient child for a permanent one. */
const wrong = ({ flags, specs }: ModelCheck.Life) =>
  Effect.sync((): ModelCheck.World => {
    const model = new SupervisorModel(
      flags,
      specs.map((spec) => spec.restart === "transient" ? { ...spec, restart: "permanent" } : spec)
    )
    return { perform: (operation) => Effect.sync(() => model.perform(operation)) }
  })

describe("ModelCheck", () => {
  it.live(
    "finds nothing in the supervisor, in lives drawn from seeds",
    () => {
      const seed = currentSeed()
      return ModelCheck.check(
        (life) => Effect.provide(supervisorWorld(life), Layer.fresh(time)),
        seed === undefined ? { seeds: 50 } : { seeds: 1, firstSeed: seed }
      )
    },
    60_000
  )

  it.live("finds what differs from the model, and shows it in few operations", () =>
    Effect.gen(function*() {
      const found = yield* Effect.flip(ModelCheck.check(wrong))

      const { operations } = found.life
      assert.isAtMost(operations.length, 3)
      assert.strictEqual(operations.at(-1)?._tag, "exit")
      assert.match(found.message, /^seed \d+: after \d operations?/)
    }))

  it.live("shows a difference again by its life, and draws the same life from the same seed", () =>
    Effect.gen(function*() {
      const found = yield* Effect.flip(ModelCheck.check(wrong))

      const again = yield* Effect.flip(ModelCheck.replay(wrong, found.life))
      const drawn = yield* ModelCheck.draw(found.life.seed)

      assert.deepStrictEqual(again.actual, found.actual)
      assert.deepStrictEqual(drawn, yield* ModelCheck.draw(found.life.seed))
      assert.lengthOf(drawn.operations, 30)
    }))
})
