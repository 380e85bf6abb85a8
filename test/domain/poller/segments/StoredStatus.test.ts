import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import * as StoredStatus from "../../../../src/domain/poller/segments/StoredStatus.ts"
import { status } from "../../../services/poller/statuses.ts"

describe("A stored status", () => {
  it("is what it was, whatever its names and its message hold", () => {
    const name = fc.string({ unit: "binary", minLength: 1, maxLength: 20 })
    fc.assert(fc.property(name, fc.uint8Array(), fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (...fields) => {
      const [key, message, measuredAtMillis, responseTimeNanos] = fields
      const stored = { key, measuredAtMillis, status: { ...status(key), message, responseTimeNanos } }
      const bytes = new Uint8Array(Buffer.concat(StoredStatus.encode(stored)))

      assert.deepStrictEqual(StoredStatus.decode(bytes), Option.some(stored))
      assert.strictEqual(StoredStatus.measuredAtMillis(bytes), measuredAtMillis)
    }))
  })

  it("is none when it is any other bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      assert.deepStrictEqual(StoredStatus.decode(bytes), Option.none())
    }))
  })
})
