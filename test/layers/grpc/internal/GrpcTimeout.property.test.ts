import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import * as GrpcTimeout from "../../../../src/layers/grpc/internal/GrpcTimeout.ts"

describe("GrpcTimeout", () => {
  it("is written so that it reads as no less, and as little more as eight digits allow", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 3e14, noNaN: true }), (millis) => {
        const read = Option.getOrThrow(GrpcTimeout.parse(GrpcTimeout.format(millis)))
        assert.isAtLeast(read, millis)
        assert.isAtMost(read - millis, Math.max(1, millis * 1e-3, 3_600_000 * Number(millis > 99_999_999_000)))
      })
    )
  })
})
