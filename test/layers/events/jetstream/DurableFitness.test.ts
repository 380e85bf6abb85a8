import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, type ConsumerConfig } from "@nats-io/jetstream"
import * as DurableFitness from "../../../../src/layers/events/jetstream/DurableFitness.ts"

const found = (config: Partial<ConsumerConfig>, paused = false) =>
  DurableFitness.problem({ config: { ack_policy: AckPolicy.Explicit, ...config }, paused })

describe("DurableFitness", () => {
  it("finds nothing wrong with a durable of our own making", () => {
    assert.isUndefined(found({ max_bytes: 1_000, max_deliver: -1 }))
  })

  it.each([
    [{ deliver_subject: "x" }, "exists as a push consumer"],
    [{ ack_policy: AckPolicy.All }, "exists with ack policy all"],
    [{ headers_only: true }, "exists with headers only"],
    [{ priority_groups: ["a", "b"] }, "exists with priority groups (a, b)"]
  ])("refuses %o in words", (config, expected) => {
    assert.include(found(config) ?? "", expected)
  })

  it("says until when it is paused", () => {
    assert.strictEqual(found({ pause_until: "2100-01-01T00:00:00Z" }, true), "is paused until 2100-01-01T00:00:00Z")
  })
})
