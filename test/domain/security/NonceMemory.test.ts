import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as NonceMemory from "../../../src/domain/security/NonceMemory.ts"

const arrivals = fc.array(
  fc.record({
    sender: fc.constantFrom("a", "b", "c"),
    nonce: fc.integer({ min: 0, max: 40 }),
    age: fc.integer({ min: 0, max: 12 }),
    gap: fc.nat(4)
  }),
  { maxLength: 200 }
)

describe("NonceMemory", () => {
  it("never accepts the same message twice while it is young enough, however little it may hold", () => {
    fc.assert(fc.property(arrivals, fc.integer({ min: 1, max: 10 }), (messages, countMax) => {
      const memory = NonceMemory.make({ countMax, ageMaxSeconds: 10 })
      const accepted = new Set<string>()
      let now = 1_000
      for (const { age, gap, nonce, sender } of messages) {
        now += gap
        const timestamp = now - age
        // Older ones are refused before they are looked up.
        if (age > 10) continue
        const message = `${nonce}@${timestamp}`
        const isNew = memory.remember(sender, message, timestamp, now)
        if (isNew) assert.isFalse(accepted.has(`${sender} ${message}`))
        if (isNew) accepted.add(`${sender} ${message}`)
        assert.isAtMost(memory.size(), countMax)
      }
    }))
  })

  it("holds 10,000 nonces at most, and accepts the young ones of a flood", () => {
    const memory = NonceMemory.make({ countMax: NonceMemory.countMaxDefault, ageMaxSeconds: 300 })
    let accepted = 0
    for (let count = 0; count < 50_000; count++) {
      const now = 1_000 + Math.floor(count / 1_000)
      if (memory.remember("a", String(count), now, now)) accepted += 1
    }

    assert.strictEqual(accepted, 50_000)
    assert.strictEqual(memory.size(), 10_000)
    assert.isTrue(memory.isSeen("a", "0", 1_000))
  })

  it("forgets what is too old to be accepted anyway", () => {
    const memory = NonceMemory.make({ countMax: 100, ageMaxSeconds: 300 })
    for (let nonce = 0; nonce < 50; nonce++) memory.remember(String(nonce % 5), String(nonce), 1_000, 1_000)

    memory.remember("a", "late", 1_400, 1_400)

    assert.strictEqual(memory.size(), 1)
  })

  it("lets nobody's flood, not even one of messages from the future, keep out those of others", () => {
    const memory = NonceMemory.make({ countMax: 100, ageMaxSeconds: 300 })
    const others = Array.from({ length: 20 }, (_, index) => `other-${index}`)
    for (const sender of others) assert.isTrue(memory.remember(sender, "first", 990, 1_000))
    for (let nonce = 0; nonce < 10_000; nonce++) memory.remember("flood", String(nonce), 1_005, 1_000)

    assert.isTrue(memory.isSeen("flood", "0", 1_005))
    for (const sender of others) {
      assert.isTrue(memory.isSeen(sender, "first", 990))
      assert.isTrue(memory.remember(sender, "second", 985, 1_000))
    }
    assert.isTrue(memory.remember("newcomer", "first", 985, 1_000))
    assert.isAtMost(memory.size(), 100)
  })
})
