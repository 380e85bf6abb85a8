import { assert, describe, it } from "@effect/vitest"
import * as AttemptLimits from "../../../src/domain/identity/AttemptLimits.ts"

describe("AttemptLimits", () => {
  it("lets an address try fifty times at once, and then once in six seconds", () => {
    const limits = AttemptLimits.make()
    for (let at = 0; at < 50; at++) assert.strictEqual(limits.take("10.0.0.1", 0), 0)
    assert.strictEqual(limits.take("10.0.0.1", 0), 6000)
    assert.strictEqual(limits.take("10.0.0.2", 0), 0)
    assert.strictEqual(limits.take("10.0.0.1", 6000), 0)
    assert.isAbove(limits.take("10.0.0.1", 6000), 0)
  })

  it("takes an IPv6 network for one address, and a mapped one for what it is", () => {
    const places = ["2001:db8::1", "2001:DB8:0:0:ffff::2", "2001:db8:0:1::1", "::ffff:10.0.0.1", "::1"]
    assert.deepStrictEqual(places.map(AttemptLimits.placeOf), [
      "2001:db8:0:0",
      "2001:db8:0:0",
      "2001:db8:0:1",
      "10.0.0.1",
      "0:0:0:0"
    ])
  })

  it("remembers a bounded number of addresses", () => {
    const limits = AttemptLimits.make()
    for (let at = 0; at < 50; at++) limits.take("first", 0)
    for (let at = 0; at < 10_000; at++) limits.take(`${at}`, 0)
    assert.strictEqual(limits.take("first", 0), 0)
  })
})
