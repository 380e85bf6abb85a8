import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { OutgoingQueue } from "../../../../src/layers/events/jetstream/OutgoingQueue.ts"

const limits = { messagesMax: 5, bytesMax: 20 }

const steps = fc.array(
  fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ take: fc.integer({ min: 0, max: 4 }) })
  ),
  { maxLength: 60 }
)

describe("OutgoingQueue", () => {
  it("gives back what was added in order, without the oldest where there was no room, and counts those", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const queue = new OutgoingQueue(limits)
        let model: Array<{ id: string; size: number }> = []
        const bytes = () => model.reduce((sum, { size }) => sum + size, 0)
        for (const [at, step] of steps.entries()) {
          if ("add" in step) {
            const id = String(at)
            const event = { subject: "events.x", data: new Uint8Array(step.add) }
            const dropped = queue.add({ id, attempts: 0, event })
            model.push({ id, size: step.add })
            const before = model.length
            while (model.length > limits.messagesMax || bytes() > limits.bytesMax) model = model.slice(1)
            assert.strictEqual(dropped, before - model.length)
          } else {
            const expected = model.slice(0, step.take).map(({ id }) => id)
            model = model.slice(step.take)
            assert.deepStrictEqual(queue.take(step.take).map(({ id }) => id), expected)
          }
          assert.strictEqual(queue.size, model.length)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("keeps order and count over many more messages than it holds at once", () => {
    const queue = new OutgoingQueue({ messagesMax: 10, bytesMax: 1_000 })
    const event = { subject: "events.x", data: new Uint8Array(1) }
    const taken: Array<string> = []
    for (let at = 0; at < 5_000; at++) {
      queue.add({ id: String(at), attempts: 0, event })
      if (at % 5 === 4) taken.push(...queue.take(5).map(({ id }) => id))
    }

    assert.deepStrictEqual(taken, Array.from({ length: 5_000 }, (_, at) => String(at)))
    assert.strictEqual(queue.size, 0)
  })
})
