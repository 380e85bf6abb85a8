import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as FaultPlan from "../../../src/domain/simulation/FaultPlan.ts"
import * as Faults from "../../../src/services/simulation/Faults.ts"
import * as Link from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import { World } from "../../../src/services/simulation/World.ts"

const carryOut = (
  kind: string,
  own: Readonly<Record<string, Faults.Act>> = {},
  fault: Partial<FaultPlan.Fault> = {}
) =>
() => {
  const world = new World({ seed: 1 })
  for (const host of ["books", "till"]) world.addHost(host, { program: () => Effect.never })
  const plan = [{ kind, target: "books", atMillis: 1_000, lastsMillis: 0, amount: 0.5, ...fault }]
  Faults.carryOut(plan, { world, network: new Network(world, Link.lan), own })
}

describe("A fault plan", () => {
  it("is not carried out when a kind is not known", () => {
    assert.throws(carryOut("kil"), /kind is kil, expected kill, restart, pause, /)
    assert.throws(carryOut("constructor"), /kind is constructor, /)
  })

  it("may have kinds of the world's own", () => {
    assert.doesNotThrow(carryOut("kill"))
    assert.doesNotThrow(carryOut("bookworm", { bookworm: () => {} }))
    assert.doesNotThrow(carryOut("bookworm", { bookworm: () => {} }, { target: "shelf" }))
  })

  it("is not carried out where it would do nothing, or never", () => {
    assert.throws(
      carryOut("kill", {}, { target: "boks" }),
      /fault 1, kill: target is boks, expected a host of these: books, till/
    )
    assert.throws(carryOut("powerOff", {}, { target: "boks" }), /target is boks/)
    assert.throws(carryOut("diskFull"), /target is books, expected a disk of these: none/)
    assert.throws(carryOut("partition"), /other is not there, expected another host/)
    assert.throws(carryOut("reset", {}, { other: "books" }), /other is books, expected another host/)
    assert.doesNotThrow(carryOut("reset", {}, { other: "till" }))
    assert.throws(carryOut("kill", {}, { atMillis: NaN }), /atMillis is NaN, expected milliseconds from 0/)
    assert.throws(carryOut("pause", {}, { lastsMillis: -1 }), /lastsMillis is -1/)
    assert.throws(carryOut("drift", {}, { amount: 2 }), /amount is 2, expected 0 to 1/)
  })
})
