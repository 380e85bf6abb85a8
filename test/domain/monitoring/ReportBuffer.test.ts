import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ReportBuffer from "../../../src/domain/monitoring/ReportBuffer.ts"

const limits: ReportBuffer.Limits = { entriesMax: 5, bytesMax: 100, batchSizeMax: 3, batchSpanMillis: 5_000 }

const entry = (value: number, options: { bytes?: number; at?: number } = {}): ReportBuffer.Entry<number> => ({
  value,
  bytes: options.bytes ?? 1,
  measuredAtMillis: options.at ?? 0
})

const offerAll = (entries: ReadonlyArray<ReportBuffer.Entry<number>>): ReportBuffer.ReportBuffer<number> =>
  entries.reduce((buffer, one) => ReportBuffer.offer(buffer, one)[0], ReportBuffer.make<number>(limits))

const values = (entries: ReadonlyArray<ReportBuffer.Entry<number>>) => entries.map(({ value }) => value)

type Step =
  | { readonly _tag: "Offer"; readonly bytes: number }
  | { readonly _tag: "Take" }
  | { readonly _tag: "Settle" }

const steps = fc.array(fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }).map((bytes): Step => ({ _tag: "Offer", bytes })) },
  { weight: 1, arbitrary: fc.constant<Step>({ _tag: "Take" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ _tag: "Settle" }) }
))

describe("ReportBuffer", () => {
  it("delivers in order, holds no more than its limits, and accounts for everything", () => {
    fc.assert(fc.property(steps, (run) => {
      let buffer = ReportBuffer.make<number>(limits)
      const delivered: Array<number> = []
      const dropped: Array<number> = []
      let offered = 0
      for (const step of run) {
        if (step._tag === "Offer") {
          const [next, gone] = ReportBuffer.offer(buffer, entry(offered++, { bytes: step.bytes }))
          buffer = next
          dropped.push(...gone)
        } else if (step._tag === "Take") {
          buffer = ReportBuffer.take(buffer)
        } else {
          delivered.push(...values(buffer.inFlight))
          buffer = ReportBuffer.settle(buffer)
        }
        assert.isAtMost(buffer.waiting.length, limits.entriesMax)
        assert.isTrue(buffer.waitingBytes <= limits.bytesMax || buffer.waiting.length === 1)
        assert.strictEqual(buffer.waitingBytes, buffer.waiting.reduce((sum, { bytes }) => sum + bytes, 0))
      }
      const held = [...values(buffer.inFlight), ...values(buffer.waiting)]
      assert.deepStrictEqual([...delivered, ...held], [...delivered, ...held].toSorted((a, b) => a - b))
      assert.strictEqual(delivered.length + held.length + dropped.length, offered)
      assert.strictEqual(buffer.dropped, dropped.length)
      assert.strictEqual(ReportBuffer.size(buffer), held.length)
    }))
  })

  it("drops the oldest when it is full", () => {
    const buffer = offerAll([0, 1, 2, 3, 4, 5, 6].map((value) => entry(value)))

    assert.deepStrictEqual([values(buffer.waiting), buffer.dropped], [[2, 3, 4, 5, 6], 2])
  })

  it("offers a batch in flight again until it is settled", () => {
    const taken = ReportBuffer.take(offerAll([0, 1, 2, 3].map((value) => entry(value))))

    assert.deepStrictEqual(values(taken.inFlight), [0, 1, 2])
    assert.deepStrictEqual(ReportBuffer.take(taken), taken)
    assert.deepStrictEqual(values(ReportBuffer.take(ReportBuffer.settle(taken)).inFlight), [3])
  })

  it("puts nothing into one batch that was measured more than its span apart", () => {
    const taken = ReportBuffer.take(offerAll([entry(0, { at: 0 }), entry(1, { at: 5_000 }), entry(2, { at: 5_001 })]))

    assert.deepStrictEqual(values(taken.inFlight), [0, 1])
  })
})
