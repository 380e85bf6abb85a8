import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as Wire from "../../../src/gen/monitoring/monitoring.ts"
import * as ReportWire from "../../../src/layers/poller/ReportWire.ts"

const text = fc.string({ maxLength: 12 })
const int64 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
/** Those that are copied once are 64 KiB and more. */
const message = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(fc.integer({ min: 65_530, max: 65_545 }), fc.nat(255)).map(([length, byte]) =>
    new Uint8Array(length).fill(byte)
  )
).map((bytes) => Buffer.from(bytes))

const service: fc.Arbitrary<Wire.ServiceStatus> = fc.record({
  serviceName: text,
  available: fc.boolean(),
  message,
  serviceType: text,
  responseTime: int64,
  agentId: text,
  pollerId: text,
  partition: text,
  source: text,
  kvStoreId: text
})

const report = {
  services: fc.array(service, { maxLength: 4 }),
  pollerId: text,
  agentId: text,
  timestamp: int64,
  partition: text,
  sourceIp: text,
  kvStoreId: text
}

describe("A report on the wire", () => {
  it("is read as what it was, with small and with large messages", () => {
    fc.assert(fc.property(fc.record(report), (request) => {
      assert.deepStrictEqual(Wire.PollerStatusRequest.decode(ReportWire.ofRequest(request)), request)
    }))
  })

  it.effect("of a whole poller is written in pieces and read as what it was", () =>
    Effect.gen(function*() {
      const head = { pollerId: "p", agentId: "", timestamp: 7n, partition: "default", sourceIp: "::1", kvStoreId: "" }
      const samples = fc.sample(fc.array(service, { minLength: 60, maxLength: 200 }), { numRuns: 20, seed: 7 })
      for (const services of samples) {
        let most = 0
        const request = yield* ReportWire.prepare(head, services, (one) => {
          most += 1
          return one
        })
        assert.strictEqual(most, services.length)
        const read = Wire.PollerStatusRequest.decode(ReportWire.ofRequest(request))
        assert.deepStrictEqual(read, { ...head, services })
      }
    }))

  it("in chunks is read as what it was, with small and with large messages", () => {
    const chunk = fc.record({
      ...report,
      isFinal: fc.boolean(),
      chunkIndex: fc.nat(1_000),
      totalChunks: fc.nat(1_000)
    })
    fc.assert(fc.property(chunk, (one) => {
      assert.deepStrictEqual(Wire.PollerStatusChunk.decode(ReportWire.ofChunk(one)), one)
    }))
  })
})
