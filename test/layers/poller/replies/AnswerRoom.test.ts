import { assert, describe, it } from "@effect/vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { AnswerRoom } from "../../../../src/layers/poller/replies/AnswerRoom.ts"

const never = 3_600_000
const one = 1_048_576

/** Until it holds, within a generous limit. */
const eventually = async (holds: () => boolean): Promise<void> => {
  const deadline = performance.now() + 20_000
  while (!holds() && performance.now() < deadline) await sleep(1)
  assert.isTrue(holds())
}

const entering = (room: AnswerRoom, names: ReadonlyArray<string>) => {
  const gone: Array<string> = []
  const leave = names.map((name) => room.enter(one, () => gone.push(name)))
  return { gone, leave: (index: number) => leave[index]?.() }
}

describe("AnswerRoom", () => {
  it("has one answer come at a time, in order, and passes over those that gave up", async () => {
    const room = new AnswerRoom({ restMillis: 0, holdMillisMax: never, waitMillisMax: never })
    const { gone, leave } = entering(room, ["a", "b", "c"])
    assert.deepStrictEqual(gone, ["a"])
    leave(1)
    leave(0)
    await eventually(() => gone.length === 2)
    assert.deepStrictEqual(gone, ["a", "c"])
  })

  for (const [mebibytes, restMillis] of [[1, 20], [3, 180]] as const) {
    it(`rests for ${restMillis} ms behind ${mebibytes} MiB where it is 20 ms behind one`, async () => {
      const room = new AnswerRoom({ restMillis: 20, holdMillisMax: never, waitMillisMax: never })
      let isIn = false
      const leave = room.enter(mebibytes * one, () => {})
      room.enter(one, () => {
        isIn = true
      })
      const leftMillis = performance.now()
      leave()
      await eventually(() => isIn)
      // Timers of Node may be early by one.
      assert.isAtLeast(performance.now() - leftMillis, restMillis - 1)
    })
  }

  it("keeps none waiting that is smaller than half a mebibyte, behind which nobody waits either", () => {
    const room = new AnswerRoom({ restMillis: never, holdMillisMax: never, waitMillisMax: never })
    const gone: Array<string> = []
    room.enter(one / 2 - 1, () => gone.push("small"))
    room.enter(one / 2, () => gone.push("large"))
    room.enter(one / 2 - 1, () => gone.push("small"))
    room.enter(one / 2, () => gone.push("second large"))()
    assert.deepStrictEqual(gone, ["small", "large", "small"])
  })

  it("lets others beside one that comes slowly, once", async () => {
    const room = new AnswerRoom({ restMillis: 0, holdMillisMax: 5, waitMillisMax: never })
    const { gone, leave } = entering(room, ["slow", "b", "c"])
    await eventually(() => gone.length === 3)
    assert.deepStrictEqual(gone, ["slow", "b", "c"])
    // It has had its place: that of the last is not given away with it.
    leave(0)
    leave(2)
    leave(1)
    const next = entering(room, ["d"])
    await eventually(() => next.gone.length === 1)
  })

  it("keeps nobody waiting for longer than its limit", async () => {
    const room = new AnswerRoom({ restMillis: never, holdMillisMax: never, waitMillisMax: 5 })
    const { gone } = entering(room, ["a", "b"])
    await eventually(() => gone.length === 2)
  })
})
