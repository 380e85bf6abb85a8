/** Who begins when. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CallTurns } from "../../../src/layers/sockets/CallTurns.ts"

const rig = () => {
  const turns = new CallTurns(2)
  const begun: Array<string> = []
  const add = (address: string, name: string, isGone = () => false) =>
    turns.add({ address, isGone, begin: () => void begun.push(name) })
  return { add, begun }
}

/** What has come by the end of the next round of the event loop. */
const round = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

const rounds = (count: number) => Effect.forEach(Array.from({ length: count }), () => round, { discard: true })

describe("CallTurns", () => {
  it.live("lets a call begin at once, also beside another address that has many", () =>
    Effect.gen(function*() {
      const { add, begun } = rig()
      for (let count = 0; count < 20; count++) add("a", `a${count}`)
      add("b", "b0")
      assert.deepStrictEqual(begun, ["a0", "a1", "b0"])
      yield* rounds(1)
      add("b", "b1")
      assert.deepStrictEqual(begun, ["a0", "a1", "b0", "a2", "a3", "b1"])
      yield* rounds(10)
      assert.deepStrictEqual(
        begun.filter((name) => name.startsWith("a")),
        Array.from({ length: 20 }, (_, count) => `a${count}`)
      )
    }))

  it.live("lets those who wait take turns", () =>
    Effect.gen(function*() {
      const { add, begun } = rig()
      for (const name of ["a0", "a1", "a2", "a3", "a4"]) add("a", name)
      for (const name of ["b0", "b1", "b2", "b3"]) add("b", name)
      yield* rounds(4)
      assert.deepStrictEqual(begun, ["a0", "a1", "b0", "b1", "a2", "b2", "a3", "b3", "a4"])
    }))

  it.live("begins nothing of a call that is gone, and no later call of an address before an earlier one", () =>
    Effect.gen(function*() {
      const { add, begun } = rig()
      for (const name of ["a0", "a1"]) add("a", name)
      add("a", "a2", () => true)
      for (const name of ["a3", "a4", "a5"]) add("a", name)
      yield* rounds(1)
      add("a", "a6")
      yield* rounds(4)
      assert.deepStrictEqual(begun, ["a0", "a1", "a3", "a4", "a5", "a6"])
    }))
})
