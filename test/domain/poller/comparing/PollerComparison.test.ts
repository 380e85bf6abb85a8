import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as PollerComparison from "../../../../src/domain/poller/comparing/PollerComparison.ts"
import type { Sample } from "../../../../src/domain/poller/comparing/Sample.ts"

const sample = (of: Partial<Sample> & { readonly text?: string } = {}): Sample => ({
  atMillis: 0,
  agentId: "edge-1",
  serviceType: "port",
  serviceName: "ssh",
  available: true,
  responseTimeNanos: 2_000_000,
  source: "getStatus",
  message: Option.fromUndefinedOr(of.text ?? "{\"data\":{\"ok\":true}}"),
  ...of
})

const compare = (left: ReadonlyArray<Sample>, right: ReadonlyArray<Sample>) => {
  const comparison = PollerComparison.make()
  for (const one of left) PollerComparison.note(comparison, "left", one)
  for (const one of right) PollerComparison.note(comparison, "right", one)
  return PollerComparison.result(comparison)
}

const times = (count: number, of: (index: number) => Sample) => Array.from({ length: count }, (_, index) => of(index))

const Texts = Schema.NonEmptyArray(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))

describe("Two pollers that are compared", () => {
  it("agree on what changes from poll to poll, and on their own names", () => {
    const text = (poller: string) => (index: number) =>
      sample({ text: `{"poller_id":"${poller}","data":{"cpu":${index + poller.length},"host":"a"}}` })
    const [check] = compare(times(5, text("one")), times(5, text("the-other")))
    assert.deepStrictEqual(check?.differences, [])
    assert.deepStrictEqual(check?.payload, [])
  })

  it("agree when one keeps the envelope and the other what is in it", () => {
    const inside = "{\"ok\":true,\"size\":12345678901234567890}"
    const envelope = `{"poller_id":"p","agent_id":"edge-1","service_type":"port","data":${inside}}`
    const [check] = compare(times(3, () => sample({ text: envelope })), times(3, () => sample({ text: inside })))
    assert.deepStrictEqual(check?.payload, [])
  })

  it("differ where a value is always another, a key always missing, or a type another", () => {
    const [check] = compare(
      times(3, () => sample({ text: "{\"data\":{\"host\":\"a\",\"extra\":1,\"port\":22}}" })),
      times(3, () => sample({ text: "{\"data\":{\"host\":\"b\",\"port\":\"22\"}}" }))
    )
    assert.deepStrictEqual(check?.payload, [
      { state: "available", path: "data.extra", kind: "only left" },
      { state: "available", path: "data.host", kind: "value", left: "\"a\"", right: "\"b\"" },
      { state: "available", path: "data.port", kind: "type", left: "number", right: "string" }
    ])
    assert.deepStrictEqual(check?.differences, ["payload (3 paths)"])
  })

  it("do not differ by a key that comes and goes", () => {
    const [check] = compare(
      [sample({ text: "{\"a\":1,\"note\":1}" }), sample({ text: "{\"a\":1}" })],
      times(2, () => sample({ text: "{\"a\":1}" }))
    )
    assert.deepStrictEqual(check?.differences, [])
  })

  it("differ in availability by more than one poll", () => {
    const of = (down: number) => times(10, (index) => sample({ available: index >= down }))
    assert.deepStrictEqual(compare(of(0), of(1))[0]?.differences, [])
    assert.deepStrictEqual(compare(of(0), of(2))[0]?.differences, ["availability"])
  })

  it("show how fast agents answered, of available checks alone", () => {
    const [check] = compare(
      [sample({ available: false, responseTimeNanos: 9e9 }), ...times(9, () => sample())],
      times(10, () => sample({ responseTimeNanos: 0 }))
    )
    assert.deepStrictEqual(check?.left.latencyMillis, { p50: 2, p95: 2 })
    assert.isNull(check?.right.latencyMillis)
  })

  it("differ by a check that one of them does not have, and not by what was not measured", () => {
    const checks = compare([sample(), sample({ serviceName: "web" })], [
      sample(),
      sample({ serviceName: "old", source: "lastKnown" })
    ])
    assert.deepStrictEqual(checks.map(({ differences, serviceName }) => [serviceName, ...differences]), [
      ["ssh"],
      ["web", "only on the left"]
    ])
  })

  it.effect.prop("agree with themselves, whatever is in the messages", [Texts], ([texts]) =>
    Effect.gen(function*() {
      const encoded = yield* Schema.encodeEffect(Texts)(texts)
      const samples = encoded.map((text) => sample({ text }))
      assert.deepStrictEqual(compare(samples, samples).flatMap(({ differences }) => differences), [])
    }))
})
