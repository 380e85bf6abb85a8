import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { OutOfRange, ResourceExhausted } from "../../../src/layers/grpc/GrpcError.ts"
import * as SizeRefusal from "../../../src/layers/poller/SizeRefusal.ts"

const refused: ReadonlyArray<readonly [string, number | undefined]> = [
  ["grpc: received message larger than max (813447 vs. 262144)", 262_144],
  ["grpc: received message after decompression larger than max 262144", 262_144],
  ["grpc: received message after decompression larger than max (813447 vs. 262144)", 262_144],
  ["Received message larger than max (813447 vs 262144)", 262_144],
  ["SERVER: Received message larger than max (813447 vs. 262144)", 262_144],
  ["Received message larger than max", undefined],
  ["Received message that decompresses to a size larger than 262144", 262_144],
  ["received a message of 813447 bytes, at most 262144 are taken", 262_144],
  ["received a message that decompresses to more than 262144 bytes", 262_144],
  ["gRPC message exceeds maximum size 262144: 813447", 262_144],
  ["Attempted to send message with a size larger than 262144", 262_144],
  ["trying to send message larger than max (813447 vs. 262144)", 262_144]
]

describe("SizeRefusal", () => {
  it.each(refused)("knows %s", (detail, bytes) => {
    assert.deepStrictEqual(SizeRefusal.of(new ResourceExhausted({ detail })), {
      bytesMax: Option.fromUndefinedOr(bytes)
    })
  })

  it("knows the words of Rust, which has another status", () => {
    const detail = "Error, decoded message length too large: found 813447 bytes, the limit is: 262144 bytes"
    assert.deepStrictEqual(SizeRefusal.of(new OutOfRange({ detail })), { bytesMax: Option.some(262_144) })
  })

  it.each([
    "reports of 192.0.2.1 take 70000000 bytes, at most 67108864 are for one address",
    "too many calls",
    "rate limit exceeded",
    "Bandwidth exhausted or memory limit exceeded"
  ])("takes %s for what it is: too much at a time", (detail) => {
    assert.isUndefined(SizeRefusal.of(new ResourceExhausted({ detail })))
  })
})
