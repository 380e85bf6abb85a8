import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import { crc32 } from "node:zlib"
import * as Mark from "../../../../src/domain/poller/segments/Mark.ts"
import * as SegmentFormat from "../../../../src/domain/poller/segments/SegmentFormat.ts"

const header = { number: 12, id: "00c0ffee12345678" }
const frame = { checksum: crc32, seed: SegmentFormat.seedOf(header.id, crc32) }

const segmentOf = (payloads: ReadonlyArray<Uint8Array>) =>
  Buffer.concat([
    SegmentFormat.encodeHeader(header, crc32),
    SegmentFormat.encodeRecords(
      payloads.map((payload, index) => ({
        kind: "status",
        ordinal: index + 1,
        payload: [payload.subarray(0, payload.length >> 1), payload.subarray(payload.length >> 1)]
      })),
      frame
    )
  ])

/** In slices, as it is done beside other work. */
const scan = (bytes: Uint8Array, of: SegmentFormat.Frame = frame, recordsMax = 2): SegmentFormat.Scan => {
  const scanning = SegmentFormat.beginScan()
  while (!scanning.isOver) SegmentFormat.scanOn(scanning, bytes, of, recordsMax)
  return SegmentFormat.scanned(scanning, bytes)
}

const ordinals = (bytes: Uint8Array) => scan(bytes).records.map(({ ordinal }) => ordinal)

const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })

describe("A segment", () => {
  it("gives back what was written to it", () => {
    fc.assert(fc.property(payloads, (all) => {
      const bytes = segmentOf(all)
      const found = scan(bytes)

      assert.deepStrictEqual(SegmentFormat.decodeHeader(bytes, crc32), Option.some(header))
      assert.deepStrictEqual(found.records.map(({ payload }) => [...payload]), all.map((payload) => [...payload]))
      assert.deepStrictEqual([found.end, found.corruptBytes, found.tornBytes], [bytes.length, 0, 0])
    }))
  })

  it("that is cut off anywhere holds all records before the cut, and nothing else", () => {
    fc.assert(fc.property(payloads, fc.nat(), (all, at) => {
      const bytes = segmentOf(all)
      const end = SegmentFormat.headerBytes + at % (bytes.length - SegmentFormat.headerBytes + 1)
      let whole = SegmentFormat.headerBytes
      const before = all.filter(({ length }) => (whole += SegmentFormat.recordBytes + length) <= end).length

      const found = scan(bytes.subarray(0, end))
      assert.deepStrictEqual(ordinals(bytes.subarray(0, end)), all.slice(0, before).map((_, index) => index + 1))
      assert.strictEqual(found.end + found.tornBytes, end)
      assert.strictEqual(found.corruptBytes, 0)
    }))
  })

  it("with any damage gives back records that were written, in their order, and loses those that the damage is in", () => {
    fc.assert(fc.property(payloads, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), (all, at, damage) => {
      const bytes = segmentOf(all)
      const from = SegmentFormat.headerBytes + at % (bytes.length - SegmentFormat.headerBytes + 1)
      const hurt = Buffer.from(bytes)
      hurt.set(damage.subarray(0, bytes.length - from), from)
      let end = SegmentFormat.headerBytes
      const untouched = all.flatMap(({ length }, index) => {
        const begin = end
        end += SegmentFormat.recordBytes + length
        return end <= from || begin >= from + damage.length ? [index + 1] : []
      })
      const found = scan(hurt).records

      assert.includeMembers(found.map(({ ordinal }) => ordinal), untouched)
      for (const { ordinal, payload } of found) assert.deepStrictEqual([...payload], [...all[ordinal - 1] ?? []])
    }))
  })

  it("holds nothing of another that was in the same place", () => {
    const other = { checksum: crc32, seed: SegmentFormat.seedOf("ffffffffffffffff", crc32) }

    assert.deepStrictEqual(scan(segmentOf([Buffer.from("old")]), other).records, [])
  })

  it("is none when it is any other bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.deepStrictEqual(SegmentFormat.decodeHeader(bytes, crc32), Option.none())
      assert.deepStrictEqual(scan(bytes).records, [])
    }))
  })

  it("gives back marks", () => {
    const mark = { settled: { segment: 3, ordinal: 7 }, inFlight: { segment: 4, ordinal: 2 } }

    assert.deepStrictEqual(Mark.decode(Mark.encode(mark)), mark)
    assert.strictEqual(Mark.decode(new Uint8Array(3)), undefined)
  })
})
