import { assert, describe, it } from "@effect/vitest"
import * as LargeBytes from "../../../src/layers/poller/LargeBytes.ts"

const size = 100_000

describe("Large bytes", () => {
  it("are gone when they are released", () => {
    const whole = new Uint8Array(size)
    LargeBytes.release(whole)
    assert.strictEqual(whole.length, 0)
  })

  it("are alone where they fill their memory but for the little of a frame", () => {
    const framed = Buffer.allocUnsafeSlow(size + 100)
    assert.isTrue(LargeBytes.isAlone(framed.subarray(20, size + 20)))
    assert.isFalse(LargeBytes.isAlone(Buffer.allocUnsafeSlow(2 * size).subarray(0, size)))
    assert.isFalse(LargeBytes.isAlone(Buffer.from("a status")))
    assert.isFalse(LargeBytes.isAlone(new Uint8Array(new SharedArrayBuffer(size))))
  })

  it("stay where others have bytes in the same memory", () => {
    const behind = new Uint8Array(size + 1)
    const before = new Uint8Array(size + 5)
    const shared = new Uint8Array(new SharedArrayBuffer(size))
    LargeBytes.release(behind.subarray(0, size))
    LargeBytes.release(before.subarray(5))
    LargeBytes.release(shared)

    assert.deepStrictEqual([behind.length, before.length, shared.length], [size + 1, size + 5, size])
  })

  it("stay when they are few, as they may be of Node's pool", () => {
    const few = Buffer.from("a status")
    LargeBytes.release(few)
    assert.strictEqual(few.toString(), "a status")
  })

  it("are gone with the frame that they came in when they are released alone", () => {
    const framed = Buffer.allocUnsafeSlow(size + 100)
    const half = Buffer.allocUnsafeSlow(2 * size)
    LargeBytes.releaseAlone(framed.subarray(20, size + 20))
    LargeBytes.releaseAlone(half.subarray(0, size))

    assert.deepStrictEqual([framed.length, half.length], [0, 2 * size])
  })

  it("are the same as a buffer", () => {
    const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3)
    const buffer = LargeBytes.asBuffer(bytes)
    bytes[0] = 9

    assert.deepStrictEqual([...buffer], [9, 2])
  })
})
