import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as CloudEvent from "../../../../../src/domain/events/decode/CloudEvent.ts"
import * as TelemetryMapping from "../../../../../src/domain/events/mapping/measurements/TelemetryMapping.ts"
import { context, storedAtMicros } from "../../context.ts"

// The text itself in place of its hash shows what is hashed.
const ofElement = TelemetryMapping.make((text) => text)
const map = (object: Readonly<Record<string, unknown>>, at: ReturnType<typeof context>) =>
  ofElement(CloudEvent.element(object, undefined), at)
const here = context("telemetry.snmp")
const seriesOf = (object: Readonly<Record<string, unknown>>) =>
  Result.getOrUndefined(Result.map(map({ value: 1, ...object }, here), (row) => row.series_key))

describe("TelemetryMapping", () => {
  it("fills in defaults for a metric that says little", () => {
    assert.deepStrictEqual(
      map({ value: 0 }, here),
      Result.succeed({
        tenant_id: "acme",
        timestamp: storedAtMicros,
        gateway_id: "unknown",
        agent_id: null,
        metric_name: "unknown",
        metric_type: "gauge",
        device_id: null,
        value: 0,
        unit: null,
        tags: null,
        partition: null,
        scale: null,
        is_delta: false,
        target_device_ip: null,
        if_index: null,
        metadata: null,
        series_key: "11:metric_type=5:gauge|11:metric_name=7:unknown"
      })
    )
  })

  it.each(["tags", "labels", "dimensions", "attributes"])("tells series apart by their %s", (key) => {
    const [a, b] = ["a", "b"].map((job) => seriesOf({ name: "up", [key]: { job } }))

    assert.strictEqual(a, "11:metric_type=5:gauge|11:metric_name=2:up|7:tag:job=1:a")
    assert.notStrictEqual(a, b)
  })

  it.each([
    ["a tag in a list", { tags: ["host:a"] }, { tags: ["host:b"] }],
    ["a tag in a text", { tags: "host:a" }, { tags: "host:b" }],
    ["a member of their own", { host: "a" }, { host: "b" }],
    ["a member beside tags", { tags: { x: 1 }, host: "a" }, { tags: { x: 1 }, host: "b" }]
  ])("tells series apart by %s", (_, one, other) => {
    assert.notStrictEqual(seriesOf(one), seriesOf(other))
  })

  it("keeps what nobody has a column for: texts as tags, all else as metadata", () => {
    const row = Result.getOrThrow(map(
      { value: 1, tags: "env:prod", host: "a", min: 0.5, parts: [1], metadata: "note", __proto__x: null },
      here
    ))

    assert.deepStrictEqual(JSON.parse(String(row.tags)), { host: "a", tags: "env:prod" })
    assert.deepStrictEqual(JSON.parse(String(row.metadata)), { min: 0.5, parts: [1], metadata: "note" })
  })

  it("names the series by everything but the tags that change with it", () => {
    assert.strictEqual(
      seriesOf({
        metricName: " ping ",
        type: "icmp",
        partition: "p",
        agentId: "a",
        device_id: "d",
        target_device_ip: "10.0.0.1",
        if_index: 3,
        tags: { zone: "ä", available: "true", metric: "m", packet_loss: "0", blank: " ", core: 1 }
      }),
      "11:metric_type=4:icmp|11:metric_name=4:ping|9:partition=1:p|8:agent_id=1:a|9:device_id=1:d|" +
        "16:target_device_ip=8:10.0.0.1|8:if_index=1:3|8:tag:core=1:1|8:tag:zone=2:ä"
    )
  })

  it("refuses an object where a single value belongs, and says where", () => {
    const mapped = map({ value: { a: 1 } }, here)

    assert.deepStrictEqual(Result.isFailure(mapped) && mapped.failure.path, ["value"])
  })

  it("keeps series apart whose numbers differ in the last of many digits", () => {
    const keys = [
      { tags: { id: "9007199254740992" } },
      { tags: { id: "9007199254740993" } },
      { if_index: "4294967296" },
      { if_index: "4294967297" }
    ].map(seriesOf)

    assert.strictEqual(new Set(keys).size, 4)
    assert.isTrue(keys.every((key) => key !== undefined))
  })

  it("keeps an index that 32 bits do not hold beside the row", () => {
    const mapped = map({ value: 1, if_index: "4294967297", metadata: { a: 1 } }, here)

    assert.deepInclude(Result.getOrThrow(mapped), { if_index: null, metadata: `{"if_index":"4294967297","a":1}` })
  })

  it.each([
    ["abc", undefined],
    ["", undefined],
    [null, undefined],
    [undefined, undefined],
    ["12.5 ms", undefined],
    ["0x10", 16],
    ["NaN", Number.NaN],
    [true, 1],
    ["1e3", 1000]
  ])("never takes 0 for the value %j", (value, expected) => {
    assert.deepStrictEqual(Result.getOrUndefined(Result.map(map({ value }, here), (row) => row.value)), expected)
  })

  it("keeps a time that cannot be, and stores the row when it was received", () => {
    assert.deepInclude(Result.getOrThrow(map({ value: 1, timestamp: "1970-01-01T00:01:12Z" }, here)), {
      timestamp: storedAtMicros,
      metadata: `{"timestamp":"1970-01-01T00:01:12Z"}`
    })
  })

  const Word = Schema.String.check(Schema.isPattern(/^[a-z=|: ä]{1,8}$/))
  const Tags = Schema.Record(Word, Word)

  it.effect.prop("does not depend on the order of tags", [Tags], ([tags]) =>
    Effect.sync(() => {
      const reversed = Object.fromEntries(Object.entries(tags).reverse())
      assert.strictEqual(seriesOf({ tags }), seriesOf({ tags: reversed }))
      assert.strictEqual(seriesOf({ tags }), seriesOf({ tags: JSON.stringify(tags) }))
    }))
})
