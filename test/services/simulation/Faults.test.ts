import { assert, describe, it } from "@effect/vitest"
import * as Faults from "../../../src/services/simulation/Faults.ts"
import * as Link from "../../../src/services/simulation/Link.ts"
import { Network } from "../../../src/services/simulation/Network.ts"
import { World } from "../../../src/services/simulation/World.ts"

const carryOut = (kind: string, own: Readonly<Record<string, Faults.Act>> = {}) => () => {
  const world = new World({ seed: 1 })
  const plan = [{ kind, target: "books", atMillis: 1_000, lastsMillis: 0, amount: 0.5 }]
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
  })
})
