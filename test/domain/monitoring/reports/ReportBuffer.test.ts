import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ReportBuffer from "../../../../src/domain/monitoring/reports/ReportBuffer.ts"

const limits: ReportBuffer.Limits = { entriesMax: 5, bytesMax: 100 }
const batch: ReportBuffer.BatchLimits = { sizeMax: 3, spanMillis: 5_000 }

const entry = (value: number, options: { bytes?: number; at?: number } = {}): ReportBuffer.Entry<number> => ({
  value,
  bytes: options.bytes ?? 1,
  measuredAtMillis: options.at ?? 0
})

const offerAll = (entries: ReadonlyArray<ReportBuffer.Entry<number>>): ReportBuffer.ReportBuffer<number> => {
  const buffer = ReportBuffer.make<number>(limits)
  for (const one of entries) ReportBuffer.offer(buffer, one)
  return buffer
}

const waiting = (buffer: ReportBuffer.ReportBuffer<number>) =>
  buffer.slots.slice(buffer.first).filter((one) => one !== undefined)

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
      const buffer = ReportBuffer.make<number>(limits)
      const delivered: Array<number> = []
      const dropped: Array<number> = []
      let offered = 0
      for (const step of run) {
        if (step._tag === "Offer") {
          dropped.push(...ReportBuffer.offer(buffer, entry(offered++, { bytes: step.bytes })))
        } else if (step._tag === "Take") {
          ReportBuffer.take(buffer, batch)
        } else {
          delivered.push(...values(buffer.inFlight))
          ReportBuffer.settle(buffer)
        }
        const held = waiting(buffer)
        assert.strictEqual(ReportBuffer.waitingCount(buffer), held.length)
        assert.isAtMost(held.length, limits.entriesMax)
        assert.isTrue(buffer.waitingBytes <= limits.bytesMax || held.length === 1)
        assert.strictEqual(buffer.waitingBytes, held.reduce((sum, { bytes }) => sum + bytes, 0))
        assert.isAtMost(buffer.slots.length, 2 * held.length + 1)
      }
      const held = [...values(buffer.inFlight), ...values(waiting(buffer))]
      assert.deepStrictEqual([...delivered, ...held], [...delivered, ...held].toSorted((a, b) => a - b))
      assert.strictEqual(delivered.length + held.length + dropped.length, offered)
      assert.strictEqual(buffer.dropped, dropped.length)
      assert.strictEqual(ReportBuffer.size(buffer), held.length)
    }))
  })

  it("drops the oldest when it is full", () => {
    const buffer = offerAll([0, 1, 2, 3, 4, 5, 6].map((value) => entry(value)))

    assert.deepStrictEqual([values(waiting(buffer)), buffer.dropped], [[2, 3, 4, 5, 6], 2])
  })

  it("offers a batch in flight again until it is settled", () => {
    const buffer = offerAll([0, 1, 2, 3].map((value) => entry(value)))
    const taken = ReportBuffer.take(buffer, batch)

    assert.deepStrictEqual(values(taken), [0, 1, 2])
    assert.deepStrictEqual(ReportBuffer.take(buffer, batch), taken)
    ReportBuffer.settle(buffer)
    assert.deepStrictEqual(values(ReportBuffer.take(buffer, batch)), [3])
  })

  it("takes back what may not go with the oldest, and all behind it, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 5 }), fc.integer({ min: 0, max: 4 }), (marks, sizeMax) => {
        const buffer = offerAll(marks.map((_, value) => entry(value, { bytes: value + 1 })))
        const taken = values(ReportBuffer.take(buffer, { ...batch, sizeMax }))
        ReportBuffer.takeBack(buffer, (oldest, one) => marks[oldest] === marks[one])

        const other = taken.findIndex((one) => marks[one] !== marks[0])
        assert.deepStrictEqual(values(buffer.inFlight), other < 0 ? taken : taken.slice(0, other))
        assert.deepStrictEqual([...values(buffer.inFlight), ...values(waiting(buffer))], [...marks.keys()])
        assert.strictEqual(buffer.waitingBytes, waiting(buffer).reduce((sum, { bytes }) => sum + bytes, 0))
      })
    )
  })

  it("puts nothing into one batch that was measured more than its span apart", () => {
    const taken = ReportBuffer.take(
      offerAll([entry(0, { at: 0 }), entry(1, { at: 5_000 }), entry(2, { at: 5_001 })]),
      batch
    )

    assert.deepStrictEqual(values(taken), [0, 1])
  })

  it("takes a hundred thousand entries into a full buffer without copying it for each", () => {
    const buffer = ReportBuffer.make<number>({ ...limits, entriesMax: 50_000, bytesMax: Infinity })
    const startedAt = performance.now()
    for (let value = 0; value < 200_000; value++) ReportBuffer.offer(buffer, entry(value))

    assert.strictEqual(buffer.dropped, 150_000)
    assert.isBelow(performance.now() - startedAt, 2_000)
  })
})
