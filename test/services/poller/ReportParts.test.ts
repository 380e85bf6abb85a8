import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Metric, References } from "effect"
import * as fc from "fast-check"
import type { ServiceStatus } from "../../../src/domain/monitoring/reports/ServiceStatus.ts"
import { CoreClient, CoreError, type ReportHeader, ReportRejected } from "../../../src/services/poller/CoreClient.ts"
import * as ReportDelivery from "../../../src/services/poller/ReportDelivery.ts"
import { poller, status } from "./statuses.ts"

const header: ReportHeader = {
  reportId: "batch",
  pollerId: poller.pollerId,
  partition: poller.partition,
  sourceIp: "192.0.2.1",
  timestampSeconds: 0n,
  interval: Duration.seconds(30)
}

/** Delivers a batch to a core that refuses every report with one of these statuses in it: what it was sent, by id. */
const delivered = (names: ReadonlyArray<string>, refused: ReadonlySet<string>) =>
  Effect.gen(function*() {
    const sent = new Map<string, Array<string>>()
    const taken: Array<string> = []
    const take = ({ reportId }: ReportHeader, statuses: ReadonlyArray<ServiceStatus>) =>
      Effect.suspend(() => {
        const own = statuses.map(({ serviceName }) => serviceName)
        const contents = own.join(" ")
        sent.set(reportId, [...sent.get(reportId) ?? [], contents])
        if (own.some((name) => refused.has(name))) {
          return Effect.fail(new CoreError({ address: "core:1", reason: new ReportRejected({ detail: "no" }) }))
        }
        taken.push(...own)
        return Effect.succeed({ takesParts: true })
      })
    const core = Layer.succeed(CoreClient, {
      losses: Effect.succeed(0),
      takesParts: Effect.succeed(true),
      report: take,
      stream: (to, chunks) => take(to, Array.from(chunks, (chunk) => chunk.status))
    })
    yield* Effect.flatMap(ReportDelivery.make(Effect.succeed(0)), (delivery) =>
      delivery.deliverParts(names.map((name) => ({ status: status(name) })), header)).pipe(Effect.provide(core))
    return { sent, taken }
  }).pipe(
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

describe("A report that goes in several parts", () => {
  it("has an id for each part, which stands for the same statuses however often it goes", async () => {
    const batches = fc.integer({ min: 1, max: 12 }).chain((size) =>
      fc.record({
        names: fc.constant(Array.from({ length: size }, (_, index) => `s${index}`)),
        refused: fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { maxLength: 3 })
      })
    )
    await fc.assert(fc.asyncProperty(batches, async ({ names, refused }) => {
      const bad = new Set(refused.map((index) => `s${index}`))
      const first = await Effect.runPromise(delivered(names, bad))
      const again = await Effect.runPromise(delivered(names, bad))

      for (const contents of first.sent.values()) assert.strictEqual(new Set(contents).size, 1)
      const all = [...first.sent.values()].map(([contents]) => contents)
      assert.strictEqual(new Set(all).size, all.length)
      assert.deepStrictEqual([...again.sent], [...first.sent])
      assert.deepStrictEqual(first.taken, names.filter((name) => !bad.has(name)))
    }))
  })
})
