import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as BatchPlan from "../../../../src/domain/events/storing/BatchPlan.ts"
import * as Suspects from "../../../../src/domain/events/storing/Suspects.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { json, message, samples, telemetry } from "../../../layers/events/decode/samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

const metric = () => {
  const { content } = Result.getOrThrow(decode(message("telemetry.x", json(telemetry))))
  return content.table === "timeseries_metrics" && content.rows[0] !== undefined ? content.rows[0] : assert.fail()
}

describe("Suspects", () => {
  it.each(samples)("suspects nothing that the decoder gives: %s", (_, subject, data) => {
    const { content } = Result.getOrThrow(decode(message(subject, data)))

    assert.deepStrictEqual(Suspects.find(content.table, content.rows), [])
  })

  it.each(
    [
      { metric_name: "a\0b" },
      { unit: "\ud800" },
      { if_index: 2 ** 31 },
      { if_index: 1.5 },
      { timestamp: Number.NaN },
      { tags: "{" },
      { tags: "{\"a\":\"\\u0000\"}" },
      { gateway_id: "x".repeat(3_000) }
    ]
  )("suspects the row with %j", (fields) => {
    const rows = [metric(), { ...metric(), ...fields }, metric()]

    assert.deepStrictEqual(Suspects.find("timeseries_metrics", rows), [1])
  })

  it("suspects the row that the database shows", () => {
    const rows = ["1", "2", "3"].map((series_key) => ({ ...metric(), series_key: series_key.repeat(32) }))
    const detail = `Failing row contains (acme, 2026-01-02, gw-1, null, ${"2".repeat(32)}).`

    assert.deepStrictEqual(Suspects.find("timeseries_metrics", rows, detail), [1])
  })
})

describe("BatchPlan", () => {
  const entry = (rows: number, bytes = 1) => ({
    message: rows,
    bytes,
    content: { table: "timeseries_metrics", rows: Array.from({ length: rows }, metric) } as const
  })

  it("takes whole messages up to the limits, and one at least", () => {
    const entries = [entry(3), entry(3), entry(9), entry(1, 50)]

    assert.strictEqual(BatchPlan.take(entries, 0, { rows: 6, bytes: 100 }), 2)
    assert.strictEqual(BatchPlan.take(entries, 2, { rows: 6, bytes: 100 }), 1)
    assert.strictEqual(BatchPlan.take(entries, 0, { rows: 100, bytes: 52 }), 3)
    assert.strictEqual(BatchPlan.take(entries, 3, { rows: 1, bytes: 1 }), 1)
  })

  it("groups by table, passes over messages without rows and sets doubtful ones apart", () => {
    const doubtful = {
      message: 0,
      bytes: 1,
      content: { table: "timeseries_metrics", rows: [{ ...metric(), gateway_id: "x".repeat(3_000) }] } as const
    }
    const logs = { message: 5, bytes: 1, content: Result.getOrThrow(decode(message("logs.x", json({})))).content }

    const groups = BatchPlan.groups([entry(1), doubtful, entry(0), logs, entry(2)])

    assert.deepStrictEqual(
      groups.map(({ entries, table }) => [table, entries.map(({ message }) => message)]),
      [["timeseries_metrics", [1, 2]], ["logs", [5]], ["timeseries_metrics", [0]]]
    )
  })
})
