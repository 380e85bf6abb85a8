import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Address from "../../../../src/domain/events/decode/Address.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const V4 = Schema.Tuple([Byte, Byte, Byte, Byte])
const V6 = Schema.Array(Schema.Literals([0, 0, 1, 255])).check(Schema.isMinLength(16), Schema.isMaxLength(16))

describe("Address", () => {
  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["10.0.0.1:162", "10.0.0.1"],
    ["default:10.0.0.1", "10.0.0.1"],
    ["default:10.0.0.1:162", "10.0.0.1"],
    ["::1", "::1"],
    ["[2001:db8::1]:162", "2001:db8::1"],
    ["default:2001:db8::1", "2001:db8::1"],
    ["edge:[::1]:5", "::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["fe80:0000::0001%eth0", "fe80::1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["0:0:0:0:0:FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1::2", undefined],
    ["host-1", undefined],
    ["", undefined],
    [":", undefined]
  ])("finds in %j the address %s", (text, expected) => {
    assert.strictEqual(Address.inText(text), expected)
  })

  it.each([
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["20010db8000100020003000400050006", "2001:db8:1:2:3:4:5:6"],
    ["fe800000000000000000000000000000", "fe80::"]
  ])("writes %s as %s", (hex, expected) => {
    assert.strictEqual(Address.fromBytes(Buffer.from(hex, "hex")), expected)
  })

  it("has no text for other lengths", () => {
    assert.strictEqual(Address.fromBytes(new Uint8Array(5)), undefined)
  })

  it.effect.prop("finds behind partition and port what it wrote", [V4, V6], ([v4, v6]) =>
    Effect.sync(() => {
      for (const bytes of [Uint8Array.from(v4), Uint8Array.from(v6)]) {
        const text = Address.fromBytes(bytes) ?? ""
        assert.strictEqual(Address.inText(text), text)
        assert.strictEqual(Address.inText(`[${text}]:162`), text)
      }
      const text = Address.fromBytes(Uint8Array.from(v4)) ?? ""
      assert.strictEqual(Address.inText(`default:${text}:162`), text)
    }))
})
