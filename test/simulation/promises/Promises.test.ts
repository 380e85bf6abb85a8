import { assert, describe, it } from "@effect/vitest"
import { World } from "../../../src/services/simulation/World.ts"
import { CallPace } from "./CallPace.ts"
import * as DeadLetters from "./DeadLetters.ts"
import * as SourceTimes from "./SourceTimes.ts"

/** What is said to be broken when `act` is done to a world of one minute. */
const brokenBy = (act: (world: World) => void): string | undefined => {
  const world = new World({ seed: 1 })
  world.after(1_000, () => act(world))
  return world.runUntil(60_000)?.invariant
}

describe("What is given up as a dead letter", () => {
  const judged = (letter: Partial<DeadLetters.Letter>) =>
    brokenBy((world) =>
      DeadLetters.judge(
        { world, undecodable: new Set([3]), isForbidden: (text) => text.includes("forbidden"), deliveriesMax: 5 },
        { sequence: 1, deliveries: 1, reason: "rejected", text: "fine", ...letter }
      )
    )

  it("is what nobody can store, or what has come as often as it may", () => {
    const allowed = [{ sequence: 3, reason: "decode" }, { text: "forbidden 61" }, {
      reason: "exhausted",
      deliveries: 5
    }]

    assert.deepStrictEqual(allowed.map(judged), [undefined, undefined, undefined])
  })

  it("is not what lay beside that, nor what was tried too seldom", () => {
    const wrong = [{}, { reason: "decode" }, { reason: "exhausted", deliveries: 4 }]

    assert.deepStrictEqual(wrong.map(judged), wrong.map(() => "only what cannot be stored is given up"))
  })
})

describe("Calls in vain", () => {
  const failing = (everyMillis: number) =>
    brokenBy((world) => {
      const pace = new CallPace(world, "poller", 20)
      const fail = () => {
        pace.failed("agent", "status")
        world.after(everyMillis, fail)
      }
      fail()
    })

  it("have a pause between them", () => {
    assert.isUndefined(failing(1_000))
    assert.strictEqual(failing(20), "who fails is not asked again without a pause")
  })
})

describe("A source", () => {
  const looked = (plan: SourceTimes.ReadingTimes["plan"], readMillis: number) =>
    brokenBy((world) => {
      world.after(40_000, () =>
        SourceTimes.look({ world, plan, intervalMillis: 5_000, parties: ["sync", "inventory"] }, readMillis))
    })
  const pause = { kind: "pause", target: "sync", atMillis: 3_000, lastsMillis: 10_000, amount: 0.5 }

  it("is read in time while nobody interferes", () => {
    assert.strictEqual(looked([], 2_000), "a source is read in time")
    assert.isUndefined(looked([], 30_000))
    assert.isUndefined(looked([pause], 2_000))
    assert.strictEqual(looked([{ ...pause, target: "core" }], 2_000), "a source is read in time")
  })

  it("has lost devices of which a copy must say so", () => {
    const before = { devices: new Map([[1, "one"], [2, "two"]]) }
    const now = { devices: new Map([[2, "two"]]), retracted: new Set<number>() }

    assert.strictEqual(SourceTimes.unsaid(before, now), 1)
    assert.isUndefined(SourceTimes.unsaid(before, { ...now, retracted: new Set([1]) }))
  })
})
