import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { StatusResponse } from "../../../src/gen/monitoring/monitoring.ts"
import * as StatusWire from "../../../src/layers/poller/StatusWire.ts"

const text = fc.string({ maxLength: 12 })

const status = fc.record({
  available: fc.boolean(),
  message: fc.tuple(fc.constantFrom(0, 3, 70_000, 100_000), fc.nat(255)).map(([length, byte]) =>
    Buffer.alloc(length, byte)
  ),
  serviceName: text,
  serviceType: text,
  responseTime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  agentId: text,
  pollerId: text
})

/** Two of them together are one whose later fields count, with bytes of nobody in between; and some of it is missing. */
const wire = fc.record({
  first: status,
  second: fc.option(status),
  noise: fc.uint8Array({ maxLength: 8 }),
  isCut: fc.boolean(),
  cut: fc.nat(99)
}).map(({ cut, first, isCut, noise, second }) => {
  const bytes = Buffer.concat([
    StatusResponse.encode(first).finish(),
    noise,
    second === null ? Buffer.alloc(0) : StatusResponse.encode(second).finish()
  ])
  return isCut ? bytes.subarray(0, Math.max(0, bytes.length - cut)) : bytes
})

const outcome = (read: (bytes: Buffer) => StatusResponse, bytes: Buffer) => {
  try {
    return read(bytes)
  } catch {
    return "unreadable"
  }
}

describe("The status on the wire", () => {
  it("is read as the generated code reads it, whatever the bytes are", () => {
    fc.assert(
      fc.property(wire, (bytes) => {
        assert.deepStrictEqual(outcome(StatusWire.read, bytes), outcome(StatusResponse.decode, bytes))
      }),
      { numRuns: 300 }
    )
  })

  it("has a large message where it came, and no copy of it", () => {
    const encoded = StatusResponse.encode(
      StatusResponse.fromPartial({ available: true, message: Buffer.alloc(100_000, "x"), agentId: "agent-1" })
    ).finish()
    const bytes = Buffer.from(encoded)
    const { agentId, available, message } = StatusWire.read(bytes)

    assert.deepStrictEqual([available, agentId, message.length], [true, "agent-1", 100_000])
    assert.strictEqual(message.buffer, bytes.buffer)
  })
})
