import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Fault } from "../../../src/domain/simulation/FaultPlan.ts"
import * as Faults from "../../../src/services/simulation/Faults.ts"
import { lan } from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import * as Simulation from "../../../src/services/simulation/Simulation.ts"
import { World } from "../../../src/services/simulation/World.ts"

const fault = (target: string, atMillis: number): Fault => ({
  kind: "loses",
  target,
  atMillis,
  lastsMillis: 0,
  amount: 0.5
})

/** A world that loses something, which is noticed an hour later; meanwhile it has talked of other things. */
const scenario: Simulation.Scenario = {
  plan: () => [fault("b", 1_000), fault("a", 5_000), fault("b", 9_000)],
  build: (seed, plan) => {
    const world = new World({ seed, kept: 50 })
    const lost: Array<number> = []
    for (const name of ["a", "b"]) world.addHost(name, { program: () => Effect.never }).start()
    Faults.carryOut(plan, {
      world,
      network: new Network(world, lan),
      own: {
        loses: ({ target }) => {
          if (target === "a") lost.push(world.nowMillis)
        }
      }
    })
    const talk = () => {
      world.note("b", "goes on")
      world.after(10_000, talk)
    }
    talk()
    return {
      world,
      endMillis: 3_600_000,
      books: () => ({ lost: lost.length }),
      healed: [{
        name: "nothing is lost",
        broken: () => lost.length === 0 ? undefined : { detail: "it is", about: { parties: ["a"], atMillis: lost } }
      }]
    }
  }
}

describe("A simulation", () => {
  it("shows what happened where it broke, long before it was noticed", () => {
    const outcome = Simulation.run(scenario, 1)
    const last = Simulation.report(outcome)
    const seen = Simulation.report(Simulation.look(scenario, outcome))

    assert.isFalse(last.some((line) => line.includes("loses a begins") && line.startsWith("5.000000")))
    assert.isTrue(seen.some((line) => line.includes("loses a begins") && line.startsWith("5.000000")))
  })

  it("tells the seed of a promise that cannot be asked", () => {
    const build: Simulation.Scenario["build"] = (seed, plan) => ({
      ...scenario.build(seed, plan),
      healed: [{
        name: "nothing is lost",
        broken: () => {
          throw new Error("no books")
        }
      }]
    })
    const { seed, violation } = Simulation.run({ ...scenario, build }, 7)

    assert.strictEqual(seed, "7")
    assert.match(`${violation?.message}`, /^nothing is lost: it could not be asked: no books at /)
  })

  it("looks for fewer faults until it is told to end", () => {
    const outcome = Simulation.run(scenario, 1)
    let attempts = 0
    const onAttempt = () => {
      attempts += 1
    }
    const cutOff = Simulation.shrink(scenario, outcome, { isOver: () => attempts >= 1, onAttempt })
    const whole = Simulation.shrink(scenario, outcome)

    assert.strictEqual(attempts, 1)
    assert.deepStrictEqual(cutOff.plan.map(({ target }) => target), ["b", "a", "b"])
    assert.deepStrictEqual(whole.plan.map(({ target }) => target), ["a"])
    assert.strictEqual(whole.violation?.invariant, "nothing is lost")
  })

  it("leaves out at first what began after the promise was broken", () => {
    const led: Array<ReadonlyArray<number>> = []
    const early: Simulation.Scenario = {
      ...scenario,
      build: (seed, plan) => {
        const scene = scenario.build(seed, plan)
        led.push(plan.map(({ atMillis }) => atMillis))
        // Asked for at each moment instead of at the end: it is broken at 5 s.
        for (const { broken, name } of scene.healed) {
          scene.world.watch(name, () => broken() === undefined ? undefined : "it is")
        }
        return scene
      }
    }
    const outcome = Simulation.run(early, 1)
    const shrunk = Simulation.shrink(early, outcome)
    const [first, ...attempts] = led

    assert.strictEqual(outcome.violation?.atMicros, 5_000_000)
    assert.deepStrictEqual(first, [1_000, 5_000, 9_000])
    assert.isFalse(attempts.flat().includes(9_000))
    assert.deepStrictEqual(shrunk.plan.map(({ atMillis }) => atMillis), [5_000])
  })

  it("answers the books of its scene", () => {
    assert.deepStrictEqual(Simulation.run(scenario, 1).books, { lost: 1 })
    assert.deepStrictEqual(Simulation.run(scenario, 1, []).books, { lost: 0 })
  })
})
