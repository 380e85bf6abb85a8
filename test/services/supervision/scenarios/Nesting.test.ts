import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import type { Strategy } from "../../../../src/domain/supervision/Strategy.ts"
import type { ChildSpec } from "../../../../src/services/supervision/ChildSpec.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { lives, parameters } from "../../../domain/supervision/SupervisorCommands.ts"
import { passTime } from "../../../support/StepBudget.ts"
import { withoutLeaks } from "../fixtures/Leaks.ts"
import { settle, Trace } from "../fixtures/Trace.ts"
import { lead } from "../model/ModelledLife.ts"

const periodMillis = 5000

const strategies: ReadonlyArray<Strategy> = ["one_for_one", "one_for_all", "rest_for_one"]

/** A leaf has no children. */
interface Shape {
  readonly strategy: Strategy
  readonly maxRestarts: number
  readonly children: ReadonlyArray<Shape>
}

const leaf: fc.Arbitrary<Shape> = fc.constant({ strategy: "one_for_one", maxRestarts: 0, children: [] })

const supervisorOf = (child: fc.Arbitrary<Shape>): fc.Arbitrary<Shape> =>
  fc.record({
    strategy: fc.constantFrom(...strategies),
    maxRestarts: fc.nat(2),
    children: fc.array(child, { minLength: 1, maxLength: 3 })
  })

const trees = supervisorOf(fc.oneof(leaf, supervisorOf(fc.oneof(leaf, supervisorOf(leaf)))))

/** What should happen in a tree: who is started again when somebody crashes. */
class Expected {
  readonly id: string
  readonly children: ReadonlyArray<Expected>
  private readonly shape: Shape
  private readonly above: Expected | undefined
  private stamps: ReadonlyArray<number> = []

  constructor(shape: Shape, id: string, above?: Expected) {
    this.shape = shape
    this.id = id
    this.above = above
    this.children = shape.children.map((child, index) => new Expected(child, `${id}.${index}`, this))
  }

  get leaves(): ReadonlyArray<Expected> {
    return this.children.length === 0 ? [this] : this.children.flatMap(({ leaves }) => leaves)
  }

  /** The leaves that are new after this one crashed; undefined when the whole tree has ended. */
  crash(nowMillis: number): ReadonlyArray<Expected> | undefined {
    const { above } = this
    if (above === undefined) return undefined
    above.stamps = [...above.stamps.filter((stamp) => nowMillis - stamp <= periodMillis), nowMillis]
    if (above.stamps.length > above.shape.maxRestarts) return above.crash(nowMillis)
    const group = above.group(this)
    for (const member of group) member.forget()
    return group.flatMap(({ leaves }) => leaves)
  }

  private group(failed: Expected): ReadonlyArray<Expected> {
    const { strategy } = this.shape
    if (strategy === "one_for_one") return [failed]
    return strategy === "one_for_all" ? this.children : this.children.slice(this.children.indexOf(failed))
  }

  private forget(): void {
    this.stamps = []
    for (const child of this.children) child.forget()
  }

  specs(trace: Trace): ReadonlyArray<ChildSpec<unknown, never>> {
    return this.children.map((child) =>
      child.children.length === 0 ? trace.child(child.id) : Supervisor.supervisor(child.options(trace))
    )
  }

  options(trace: Trace): Supervisor.SupervisorOptions<ReadonlyArray<ChildSpec<unknown, never>>> {
    const { maxRestarts, strategy } = this.shape
    return { id: this.id, strategy, intensity: { maxRestarts, period: periodMillis }, children: this.specs(trace) }
  }
}

const crashes = fc.array(fc.record({ leaf: fc.nat(), isLater: fc.boolean() }), { minLength: 1, maxLength: 12 })

describe("Invariants of trees and of repetition (24, 27)", () => {
  it("27: in a tree of up to three levels a crash changes its own level only, unless that level ended", () =>
    fc.assert(
      fc.asyncProperty(trees, crashes, (shape, crashes) =>
        Effect.runPromise(
          withoutLeaks(Effect.gen(function*() {
            const trace = new Trace()
            const expected = new Expected(shape, "root")
            const { leaves } = expected
            const supervisor = yield* Supervisor.start(expected.options(trace))
            let nowMillis = 0
            for (const { isLater, leaf } of crashes) {
              if (isLater) yield* passTime(periodMillis + 1)
              if (isLater) nowMillis += periodMillis + 1
              const crashed = leaves[leaf % leaves.length]
              if (crashed === undefined) return
              const before = new Map(leaves.map(({ id }) => [id, trace.instance(id)]))

              yield* Effect.andThen(trace.end(crashed.id), settle)

              const renewed = crashed.crash(nowMillis)
              assert.strictEqual(trace.liveFibers, renewed === undefined ? 0 : leaves.length)
              if (renewed === undefined) return assert.strictEqual((yield* supervisor.tree).state, "stopped")
              const changed = leaves.filter(({ id }) => trace.instance(id) !== before.get(id))
              assert.deepStrictEqual(changed.map(({ id }) => id), renewed.map(({ id }) => id))
            }
          })).pipe(Effect.provide([TestClock.layer(), Logger.layer([])]))
        )),
      parameters(1000)
    ))

  it("24: the same life twice publishes the same events at the same times", () =>
    fc.assert(
      fc.asyncProperty(lives, async ({ commands, life }) => {
        const steps = [...commands]

        assert.deepStrictEqual(await lead(life, steps), await lead(life, steps))
      }),
      parameters(300)
    ))
})
