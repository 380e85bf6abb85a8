/** A lease in a bucket of keys: who has it may lose it without knowing, and only a fencing token keeps two from writing. */
import { assert, describe, it } from "@effect/vitest"
import * as FaultPlan from "../../../src/domain/simulation/FaultPlan.ts"
import * as Faults from "../../../src/services/simulation/Faults.ts"
import { lan } from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import * as Simulation from "../../../src/services/simulation/Simulation.ts"
import { World } from "../../../src/services/simulation/World.ts"
import * as LeaseWorld from "../../simulation/LeaseWorld.ts"

const workers = ["a", "b", "c"]
const minutes = 20

const scenario = (hasFencing: boolean): Simulation.Scenario => ({
  plan: (random) =>
    FaultPlan.draw(random, {
      profile: "hostile",
      kinds: Faults.kinds(workers, workers.flatMap((one) => [[one, "keys"] as const, [one, "store"] as const])),
      hosts: 5,
      fromMillis: 5_000,
      untilMillis: (minutes - 2) * 60_000
    }),
  build: (seed, plan) => {
    const world = new World({ seed })
    const network = new Network(world, lan)
    const { healed } = LeaseWorld.add(
      world,
      network,
      (name, program) => world.addHost(name, { program }).start(),
      { workers, servers: { keys: "keys", store: "store" }, ttlMillis: 10_000, everyMillis: 1_000, hasFencing }
    )
    Faults.carryOut(plan, { world, network })
    return { world, endMillis: minutes * 60_000, healed }
  }
})

describe("A lease", () => {
  it("with a fencing token lets one write at a time", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const outcome = Simulation.run(scenario(true), seed)
      assert.isUndefined(outcome.violation, Simulation.report(outcome).join("\n"))
    }
  })

  it("without one does not, which few faults show", () => {
    const found = Array.from({ length: 20 }, (_, at) => Simulation.run(scenario(false), at + 1))
      .find(({ violation }) => violation !== undefined)

    assert.strictEqual(found?.violation?.invariant, "one holder at a time")
    if (found !== undefined) assert.isAtMost(Simulation.shrink(scenario(false), found).plan.length, 3)
  })
})
