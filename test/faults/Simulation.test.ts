/** A small installation in virtual time under the hardest profiles: what CI does of `npm run simulate`. */
import { assert, describe, it } from "@effect/vitest"
import * as Simulation from "../../src/services/simulation/Simulation.ts"
import * as Installation from "../simulation/Installation.ts"
import * as Rotations from "../simulation/Rotations.ts"

const options = { hours: 0.17, agents: 6, checks: 2, pollers: 2, messagesPerSecond: 3, devices: 100 }

/** Sync costs as much as everything else together: every fifth seed has it. */
const syncEvery = 5

describe("An installation in virtual time", () => {
  it.each(["rough", "hostile"] as const)("keeps its promises under 15 seeds of the profile %s", (profile) => {
    for (let seed = 1; seed <= 15; seed += 1) {
      const devices = seed % syncEvery === 0 ? options.devices : 0
      const scenario = Installation.scenario({ ...options, profile, devices })
      const outcome = Simulation.run(scenario, seed)
      assert.isUndefined(outcome.violation, Simulation.report(outcome).join("\n"))
      assert.isAbove(outcome.events, 100)
    }
  })

  it.each([
    { seed: 43, messagesPerSecond: 5, devices: 60 },
    { seed: 47, messagesPerSecond: 5, devices: 60 },
    { seed: 20_468, messagesPerSecond: 3, devices: 60 },
    { seed: 20_284, messagesPerSecond: 3, devices: 0 }
  ])("keeps them under seed $seed, which has once broken one", ({ seed, ...sizes }) => {
    // Configurations did not change then, nobody was replaced, and none was of ill will.
    const scenario = Installation.scenario({ ...options, ...sizes, agents: 4, profile: "hostile", hasChanges: false })
    const outcome = Simulation.run(scenario, seed)

    assert.isUndefined(outcome.violation, Simulation.report(outcome).join("\n"))
  })

  it.each([
    { what: "a file is read again by a poller that is being replaced", seed: 107 },
    { what: "a poller ends while it still reads what the one before has left", seed: 379 },
    { what: "the power fails while a disk is full", seed: 998 }
  ])("keeps them when $what, which seed $seed has shown", ({ seed }) => {
    const sizes = { agents: 4, messagesPerSecond: 3, devices: 60 }
    const outcome = Simulation.run(Installation.scenario({ ...options, ...sizes, profile: "hostile" }), seed)

    assert.isUndefined(outcome.violation, Simulation.report(outcome).join("\n"))
  })

  it("blames no renewed certificates where core's database stands still, as rough seed 2 did", () => {
    const sizes = { agents: 4, messagesPerSecond: 0, devices: 0 }
    const fault = { lastsMillis: 125_000, amount: 0.206 }
    const outcome = Simulation.run(Installation.scenario({ ...options, ...sizes, profile: "rough" }), 2, [
      { kind: Rotations.kind, target: "agent-3", atMillis: 32_505, ...fault },
      { kind: "pause", target: "database", atMillis: 226_015, ...fault, lastsMillis: 36_664 }
    ])

    assert.isUndefined(outcome.violation, Simulation.report(outcome).join("\n"))
  })

  it("does the same again under the same seed", () => {
    const scenario = Installation.scenario({ ...options, profile: "hostile" })
    const hashes = [1, 1, 2].map((seed) => Simulation.run(scenario, seed).hash)
    assert.strictEqual(hashes[0], hashes[1])
    assert.notStrictEqual(hashes[0], hashes[2])
  })
})
