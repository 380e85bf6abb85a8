import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as DeviceRecord from "../../../src/domain/inventory/DeviceRecord.ts"
import type { Observation } from "../../../src/domain/inventory/Observation.ts"

const ip = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1")

const observation: fc.Arbitrary<Observation> = fc.record({
  id: fc.constant("7"),
  ips: fc.tuple(ip, ip).map(([first, second]): Observation["ips"] => first === second ? [first] : [first, second]),
  hostname: fc.constantFrom("", "a", "b"),
  mac: fc.constantFrom("", "00:00:00:00:00:01"),
  tags: fc.uniqueArray(fc.constantFrom("x", "y", "z")),
  seenAt: fc.integer({ min: 0, max: 3 }),
  metadata: fc.dictionary(fc.constantFrom("role", "site"), fc.constantFrom("", "r", "s")),
  networks: fc.constant([]),
  isDevice: fc.constant(true)
})

const record = fc.tuple(observation, fc.nat(2)).map(([one, query]) => DeviceRecord.make(one, query))

const records = fc.array(record, { minLength: 1, maxLength: 12 })

const mergeAll = (all: ReadonlyArray<DeviceRecord.DeviceRecord>): string => {
  const [first, ...others] = all
  return first === undefined ? "" : DeviceRecord.encode(others.reduce(DeviceRecord.merge, first))
}

describe("DeviceRecord", () => {
  it("comes to the same in any order and with any repetitions", () => {
    fc.assert(fc.property(
      records.chain((all) =>
        fc.tuple(
          fc.constant(all),
          fc.shuffledSubarray(all, { minLength: all.length }),
          fc.array(fc.constantFrom(...all), { maxLength: 6 })
        )
      ),
      ([all, shuffled, repeated]) => {
        assert.strictEqual(mergeAll([...shuffled, ...repeated]), mergeAll(all))
      }
    ))
  })

  it("comes to the same in any grouping", () => {
    fc.assert(fc.property(record, record, record, (a, b, c) => {
      assert.strictEqual(
        DeviceRecord.encode(DeviceRecord.merge(DeviceRecord.merge(a, b), c)),
        DeviceRecord.encode(DeviceRecord.merge(a, DeviceRecord.merge(b, c)))
      )
    }))
  })

  it("reads what it wrote", () => {
    fc.assert(fc.property(records, (all) => {
      const text = mergeAll(all)
      const read = Result.getOrThrow(DeviceRecord.decode(text))
      assert.strictEqual(DeviceRecord.encode(DeviceRecord.fromTuple(read)), text)
    }))
  })

  it("takes the newest sight and fills what it leaves empty from older ones", () => {
    const base: Observation = {
      id: "7",
      ips: ["10.0.0.1"],
      hostname: "old",
      mac: "00:00:00:00:00:01",
      tags: ["x"],
      seenAt: 1,
      metadata: { role: "r" },
      networks: [],
      isDevice: true
    }
    const newer: Observation = {
      ...base,
      ips: ["10.0.0.2"],
      hostname: "new",
      mac: "",
      tags: ["y"],
      seenAt: 2,
      metadata: { role: "" }
    }

    const device = DeviceRecord.resolve(DeviceRecord.merge(DeviceRecord.make(base, 0), DeviceRecord.make(newer, 1)))

    assert.deepStrictEqual(device, {
      ...newer,
      ips: ["10.0.0.2", "10.0.0.1"],
      mac: "00:00:00:00:00:01",
      tags: ["y", "x"],
      metadata: { role: "r" },
      queries: [0, 1]
    })
  })
})
