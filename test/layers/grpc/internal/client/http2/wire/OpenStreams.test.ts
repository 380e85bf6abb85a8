import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { OpenStreams } from "../../../../../../../src/layers/grpc/internal/client/http2/wire/OpenStreams.ts"
import * as WireStream from "../../../../../../../src/layers/grpc/internal/client/http2/wire/WireStream.ts"

const listener: WireStream.StreamListener = { headers: () => {}, data: () => {}, closed: () => {} }

const streamOf = (id: number): WireStream.WireStream => {
  const stream = WireStream.make(listener, Buffer.alloc(0))
  stream.id = id
  return stream
}

const id = fc.nat(60)
const step = fc.oneof(
  fc.constant({ does: "push" as const, id: 0 }),
  fc.record({ does: fc.constant("remove" as const), id }),
  fc.record({ does: fc.constant("takeAbove" as const), id })
)

describe("OpenStreams", () => {
  it("has what a map by number has, in its order", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const streams = new OpenStreams()
      const model = new Map<number, WireStream.WireStream>()
      let next = 1
      for (const { does, id } of steps) {
        if (does === "push") {
          const stream = streamOf(next)
          next += 2
          streams.push(stream)
          model.set(stream.id, stream)
        } else if (does === "remove") {
          assert.strictEqual(streams.remove(id), model.delete(id))
        } else {
          const taken = [...model.values()].filter((stream) => stream.id > id)
          for (const stream of taken) model.delete(stream.id)
          assert.deepStrictEqual(streams.takeAbove(id), taken)
        }
        assert.strictEqual(streams.size, model.size)
        assert.deepStrictEqual([...streams], [...model.values()])
        for (let known = 0; known < next + 2; known++) assert.strictEqual(streams.get(known), model.get(known))
      }
    }))
  })
})
