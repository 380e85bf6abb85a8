import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as SnmpValue from "../../../../src/domain/agent/snmp/SnmpValue.ts"
import * as ExactJson from "../../../../src/domain/monitoring/ExactJson.ts"

const counter = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const second = 1_000_000_000n

const bytes = (text: string) => new TextEncoder().encode(text)

describe("SnmpValue", () => {
  it("keeps every digit of a counter of 64 bits", () => {
    fc.assert(fc.property(counter, (raw) => {
      const value = SnmpValue.valueOf({ type: "counter" }, { raw, counterBits: 64 })

      assert.strictEqual(ExactJson.stringify({ value }), `{"value":${raw}}`)
    }))
  })

  it("has the rate of a counter, also of one that passed its end, whatever its size", () => {
    fc.assert(fc.property(
      fc.constantFrom(32 as const, 64 as const),
      fc.nat().map(BigInt),
      fc.integer({ min: 1, max: 3600 }).map(BigInt),
      counter,
      (bits, grown, seconds, start) => {
        const size = 2n ** BigInt(bits)
        const before = { value: start % size, atNanos: 0n, uptime: 100n }
        const now = { value: (start + grown) % size, atNanos: seconds * second, uptime: 200n }

        assert.approximately(SnmpValue.rateOf(before, now, bits) ?? -1, Number(grown) / Number(seconds), 1e-6)
      }
    ))
  })

  it("has no rate of what is no counter, of a first reading, and after a restart of the device", () => {
    const before = { value: 5n, atNanos: 0n, uptime: 900n }
    const now = { value: 3n, atNanos: second, uptime: 10n }

    assert.isUndefined(SnmpValue.rateOf(undefined, now, 64))
    assert.isUndefined(SnmpValue.rateOf(before, now, 64))
    assert.isUndefined(SnmpValue.rateOf(before, { ...now, uptime: 1000n }, 0))
    assert.isUndefined(SnmpValue.rateOf(now, now, 32))
  })

  it("tells a counter that passed its end from one that began anew", () => {
    const of = (value: bigint, seconds: bigint, uptime?: bigint) => ({ value, atNanos: seconds * second, uptime })
    const end = 2n ** 32n

    // sysUpTime goes on, stands nowhere, or passes its own end.
    assert.approximately(SnmpValue.rateOf(of(end - 6n, 0n, 100n), of(10n, 2n, 300n), 32) ?? -1, 8, 1e-9)
    assert.approximately(SnmpValue.rateOf(of(end - 6n, 0n), of(10n, 2n), 32) ?? -1, 8, 1e-9)
    assert.approximately(SnmpValue.rateOf(of(end - 6n, 0n, end - 6n), of(10n, 2n, 10n), 32) ?? -1, 8, 1e-9)
    // An interface of a gigabit at 30 s goes nearly all the way round.
    assert.isAbove(SnmpValue.rateOf(of(3_000n, 0n, 100n), of(1_000n, 30n, 3_100n), 32) ?? -1, 1e8)

    assert.isUndefined(SnmpValue.rateOf(of(100_000n, 0n), of(5n, 2n), 32))
    assert.isUndefined(SnmpValue.rateOf(of(end - 6n, 0n, 9_000n), of(10n, 2n, 10n), 32))
    assert.isUndefined(SnmpValue.rateOf(of(10n ** 9n, 0n, 100n), of(5n, 2n, 300n), 64))
    assert.approximately(SnmpValue.rateOf(of(2n ** 64n - 6n, 0n, 100n), of(10n, 2n, 300n), 64) ?? -1, 8, 1e-9)
  })

  it("shows text as text, and other octets as octets", () => {
    const of = (raw: SnmpValue.Raw, asked = {}) => SnmpValue.valueOf(asked, { raw, counterBits: 0 })

    assert.strictEqual(of(bytes("eth0 ü")), "eth0 ü")
    assert.strictEqual(of(new Uint8Array([0, 0x1a, 0xff])), "00:1a:ff")
    assert.strictEqual(of(bytes("ab"), { type: "bytes" }), "61:62")
    assert.strictEqual(of(bytes(" 3.5 "), { type: "float", scale: 2 }), 7)
    assert.strictEqual(of(bytes("warm"), { type: "gauge" }), "warm")
    assert.strictEqual(of("1.3.6.1.4"), "1.3.6.1.4")
    assert.strictEqual(of(2n, { type: "boolean" }), true)
    assert.strictEqual(of(20n, { type: "gauge", scale: 0.5 }), 10)
  })

  it("tells the difference where that is asked for, 0 at first", () => {
    const asked = { type: "counter", delta: true } as const
    const before = { value: 2n ** 32n - 1n, atNanos: 0n, uptime: undefined }

    assert.strictEqual(SnmpValue.valueOf(asked, { raw: 4n, counterBits: 32 }), 0)
    assert.strictEqual(SnmpValue.valueOf(asked, { raw: 4n, counterBits: 32 }, before), 5)
  })
})
