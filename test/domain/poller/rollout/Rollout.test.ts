import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Rollout from "../../../../src/domain/poller/rollout/Rollout.ts"

const Names = Schema.UniqueArray(Schema.NonEmptyString)
const Percent = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))

const entries = (names: ReadonlyArray<string>) => names.map((name) => [name, undefined] as const)

const taken = (block: Rollout.RolloutBlock, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  Rollout.taken(block, entries(names)).map(([name]) => name)

describe("The agents that a rollout takes", () => {
  it.effect.prop(
    "are the same ones when others come and go",
    [Names, Names, Percent],
    ([names, others, percent]) =>
      Effect.sync(() => {
        const strangers = others.filter((name) => !names.includes(name))
        const before = taken({ percent }, names)
        const after = taken({ percent }, [...strangers, ...names].toReversed())
        assert.deepStrictEqual(after.filter((name) => names.includes(name)).toSorted(), before.toSorted())
      })
  )

  it.effect.prop(
    "only grow with the percentage",
    [Names, Percent, Percent],
    ([names, one, other]) =>
      Effect.sync(() => {
        const fewer = taken({ percent: Math.min(one, other) }, names)
        const more = new Set(taken({ percent: Math.max(one, other) }, names))
        assert.isTrue(fewer.every((name) => more.has(name)))
      })
  )

  it.effect.prop(
    "are those that are listed at any percentage",
    [Names, Percent],
    ([names, percent]) => Effect.sync(() => assert.deepStrictEqual(taken({ percent, agents: names }, names), names))
  )

  it("are none at 0 %, all at 100 %, and as many as the percentage says between", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `agent-${index}`)
    assert.strictEqual(taken({ percent: 0 }, names).length, 0)
    assert.strictEqual(taken({ percent: 100 }, names).length, 10_000)
    assert.closeTo(taken({ percent: 10 }, names).length, 1_000, 100)
    assert.closeTo(taken({ percent: 0.5 }, names).length, 50, 25)
  })

  it("are all without a percentage, and those that are listed where there is a list", () => {
    assert.deepStrictEqual(taken({}, ["a", "b"]), ["a", "b"])
    assert.deepStrictEqual(taken({ agents: ["b"] }, ["a", "b"]), ["b"])
  })

  it("are the same in every release", () => {
    const names = Array.from({ length: 40 }, (_, index) => `edge-${index}`)
    assert.deepStrictEqual(taken({ percent: 10 }, names), ["edge-1", "edge-10", "edge-13", "edge-26"])
  })
})
