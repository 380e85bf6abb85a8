/** What its producer sends again is the same row; what is only alike is not. Cases name their files. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { json, message } from "./samples.ts"

const decode = EventDecoder.make({ tenantDefault: "default" })

const kinds: ReadonlyArray<readonly [subject: string, data: object]> = [
  ["logs.app", { message: "m" }],
  ["events.app", { message: "m" }],
  ["telemetry.x", { metric_name: "m", value: 1 }],
  ["sweep.results", { host_ip: "192.0.2.1" }],
  ["flows.raw.netflow", { src_addr: "192.0.2.1", dst_addr: "192.0.2.2", bytes: 5 }],
  ["otel.metrics", { name: "slow", duration_ms: 5 }],
  ["otel.traces", { trace_id: "5b8efff798038103d269b633813fc60c", span_id: "eee19b7ec3c1b174", name: "s" }]
]

/** Ids of the rows, as a message with this sequence. */
const idsOf = (subject: string, data: Uint8Array, sequence: number): ReadonlyArray<string> =>
  Result.getOrThrow(decode(message(subject, data, sequence))).content.rows.map((row) =>
    "ingest_id" in row ? row.ingest_id : "id" in row ? row.id : ""
  )

const base64 = (text: string): Uint8Array => Buffer.from(text, "base64")

const health = (state: string) => ({
  data: { current_state: state, poller_id: "p", previous_state: "healthy", timestamp: "2026-11-28T22:00:00Z" },
  id: "ph-dup",
  source: "serviceradar/core",
  specversion: "1.0",
  time: "2026-11-28T22:00:00Z",
  type: "com.carverauto.serviceradar.poller.health"
})

describe("A producer's duplicates", () => {
  it.each([
    [
      "otlp-logs-export-retried.json",
      "events.otel.logs",
      "CmAKHAoaCgxzZXJ2aWNlLm5hbWUSCgoIb2wtcmV0cnkSQAoOCgVzY29wZRIFMS4yLjMSLglYyz3ImlTsGCoHCgVyZXRyeUoQ0AAAAAAAAAAAAAAAAAAACVII0QAAAAAAAAk="
    ],
    [
      "otlp-metrics-export-retried.json",
      "events.otel.metrics.raw",
      "CkwKHAoaCgxzZXJ2aWNlLm5hbWUSCgoIb3ItcmV0cnkSLAoKCgVtZXRlchIBMRIeCgNjcHUaATEqFAoSGaAt9wy2VOwYIQAAAAAAAPA/"
    ]
  ])("an export sent again byte for byte has the same ids (%s)", (_, subject, payload) => {
    const first = idsOf(subject, base64(payload), 1)

    assert.lengthOf(first, 1)
    assert.deepStrictEqual(idsOf(subject, base64(payload), 2), first)
  })

  it("an event of the same source, id and time is the same, whatever else changed on its way (ce-duplicate-id.json)", () => {
    const first = idsOf("events.poller.health", json(health("unhealthy")), 1)

    assert.deepStrictEqual(idsOf("events.poller.health", json({ ...health("unhealthy"), extra: 1 }), 2), first)
    assert.notDeepEqual(idsOf("events.poller.health", json({ ...health("unhealthy"), id: "other" }), 3), first)
  })

  it.each(kinds)("%s: a payload without a time has that of the event around it, in both modes", (subject, data) => {
    const time = "2026-11-28T21:00:00.123456Z"
    const timesOf = (payload: object, headers: Readonly<Record<string, string>>) =>
      Result.getOrThrow(
        decode({ ...message(subject, json(payload)), headers: new Map(Object.entries(headers)) })
      ).content.rows.map((row): unknown => {
        const columns: Readonly<Record<string, unknown>> = { ...row }
        return columns["time"] ?? columns["last_sweep_time"] ?? columns["timestamp"]
      })
    const attributes = { specversion: "1.0", id: "7", source: "/s", type: "t", time }
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]))

    assert.deepStrictEqual(timesOf({ ...attributes, data }, {}), [1_795_899_600_123_456])
    assert.deepStrictEqual(timesOf(data, headers), [1_795_899_600_123_456])
  })

  it("two equal records of one message stay two", () => {
    const record = { message: "x", timestamp: "2026-11-28T22:00:00Z" }
    const ids = idsOf("logs.app", json([record, record]), 1)

    assert.strictEqual(new Set(ids).size, 2)
    assert.deepStrictEqual(idsOf("logs.app", json([record, record]), 2), ids)
  })

  it("records without a time of their own, on other subjects, and flows are told apart", () => {
    const timed = json({ message: "x", timestamp: "2026-11-28T22:00:00Z" })
    const flow = json({ src_addr: "192.0.2.1", dst_addr: "192.0.2.2", bytes: 5, timestamp: 1_795_903_350 })

    assert.notDeepEqual(idsOf("logs.app", json({ message: "x" }), 1), idsOf("logs.app", json({ message: "x" }), 2))
    assert.notDeepEqual(idsOf("logs.app", timed, 1), idsOf("logs.other", timed, 1))
    assert.notDeepEqual(idsOf("flows.raw.netflow", flow, 1), idsOf("flows.raw.netflow", flow, 2))
  })
})
