import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import * as ReportBatch from "../../../../src/domain/monitoring/reports/ReportBatch.ts"
import type { ServiceStatus } from "../../../../src/domain/monitoring/reports/ServiceStatus.ts"

const status = (agentId: string, serviceName: string, bytes: number): ServiceStatus => ({
  serviceName: ServiceName.make(serviceName),
  serviceType: ServiceType.make("port"),
  available: true,
  message: new Uint8Array(bytes),
  responseTimeNanos: 0n,
  agentId: AgentId.make(agentId),
  pollerId: PollerId.make("p"),
  partition: Partition.make("default"),
  source: "results",
  kvStoreId: "leaf"
})

const batches = fc.array(
  fc.record({
    agent: fc.constantFrom("a", "b", "c"),
    name: fc.constantFrom("ssh", "http", "sync"),
    bytes: fc.constantFrom(0, 1_000, 300_000, 1_100_000, 7_000_000)
  }),
  { maxLength: 12 }
).map((entries) => entries.map(({ agent, bytes, name }) => status(agent, name, bytes)))

const bytesOf = (statuses: ReadonlyArray<ServiceStatus>): number =>
  statuses.reduce((sum, one) => sum + ReportBatch.estimatedBytes(one), 0)

describe("ReportBatch", () => {
  it("sends every status once, in order", () => {
    fc.assert(fc.property(batches, (batch) => {
      assert.deepStrictEqual(ReportBatch.plan(batch).flatMap((send) => send.statuses), batch)
    }))
  })

  it("streams exactly what is above 1 MiB, and never two statuses that Go core would glue together", () => {
    fc.assert(fc.property(batches, (batch) => {
      for (const send of ReportBatch.plan(batch)) {
        assert.strictEqual(send._tag, bytesOf(send.statuses) > 1_048_576 ? "Stream" : "Unary")
        if (send._tag === "Stream") {
          const keys = send.statuses.map((one) => `${one.serviceName}:${one.serviceType}`)
          assert.strictEqual(new Set(keys).size, keys.length)
        }
      }
    }))
  })

  it("cuts messages into slices of 3 MiB that core can put together again", () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const chunks = [...ReportBatch.chunks(batch)]
        assert.deepStrictEqual(chunks.map(({ index }) => index), chunks.map((_, index) => index))
        assert.isTrue(chunks.every(({ total }) => total === chunks.length))
        assert.deepStrictEqual(chunks.map(({ isFinal }) => isFinal), chunks.map((_, i) => i === chunks.length - 1))
        assert.isTrue(chunks.every(({ status }) => status.message.length <= ReportBatch.sliceBytesMax))
        assert.strictEqual(
          chunks.reduce((sum, { status }) => sum + status.message.length, 0),
          batch.reduce((sum, { message }) => sum + message.length, 0)
        )
        assert.isTrue(chunks.every(({ status }) => status.kvStoreId === "leaf" && status.source === "results"))
      }),
      { numRuns: 50 }
    )
  })

  it("keeps every message below what a core takes, and cuts what is larger into slices without a source", () => {
    const limits = ReportBatch.limitsBelow(1_000_000, 262_144)
    fc.assert(
      fc.property(batches, (batch) => {
        const sends = ReportBatch.plan(batch, limits)
        assert.deepStrictEqual(sends.flatMap(({ statuses }) => statuses), batch)
        for (const send of sends) {
          assert.isAtMost(ReportBatch.largestMessage(send, limits), 262_144)
          if (send._tag === "Unary") continue
          const chunks = [...ReportBatch.chunks(send.statuses, limits.sliceBytes)]
          assert.lengthOf(send.statuses, 1)
          assert.isTrue(chunks.every(({ isBare, status: { message } }) => isBare && message.length <= 262_144))
        }
      }),
      { numRuns: 50 }
    )
  })

  it("takes half of what was refused where core does not say what it takes, or takes that", () => {
    const below = (bytes: number, told?: number) => ReportBatch.limitsBelow(bytes, told).unaryBytes

    assert.deepStrictEqual([below(800_000), below(800_000, 262_144), below(200_000, 262_144), below(300)], [
      400_000,
      260_096,
      100_000,
      1_024
    ])
  })

  it("streams a batch of different services together and cuts one of equal names into unary reports", () => {
    const different = ["a", "b", "c"].map((name) => status("x", name, 500_000))
    const equal = ["a", "b", "c"].map((agent) => status(agent, "ssh", 500_000))

    assert.deepStrictEqual(ReportBatch.plan(different).map(({ _tag }) => _tag), ["Stream"])
    assert.deepStrictEqual(ReportBatch.plan(equal).map(({ _tag, statuses }) => [_tag, statuses.length]), [
      ["Unary", 2],
      ["Unary", 1]
    ])
    assert.deepStrictEqual(ReportBatch.plan([]), [])
  })
})
