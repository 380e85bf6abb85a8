import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer, Option, Ref } from "effect"
import { TestClock } from "effect/testing"
import { PollerId } from "../../../src/domain/monitoring/Ids.ts"
import type { StatusReport } from "../../../src/domain/monitoring/reports/StatusReport.ts"
import { type IngestOptions, ReportIngest } from "../../../src/services/core/ReportIngest.ts"
import { StatusStore, StatusStoreError, StoreRefused } from "../../../src/services/core/StatusStore.ts"
import { receivedReport, receivedStatus } from "../../support/statusReports.ts"

const storing = (append: (report: StatusReport) => Effect.Effect<void, StatusStoreError>) =>
  Layer.succeed(StatusStore, {
    append: (report) => Effect.as(append(report), { stored: report.statuses.length, repeated: 0, changes: [] }),
    current: () => Effect.succeed([]),
    pollers: Effect.succeed([]),
    noteMissed: () => Effect.void,
    noteTold: () => Effect.void,
    untold: Effect.succeed([]),
    removeOlderThan: () => Effect.succeed(0)
  })

const ingesting = (options: IngestOptions, append: (report: StatusReport) => Effect.Effect<void, StatusStoreError>) =>
  ReportIngest.layer(options).pipe(Layer.provide(storing(append)))

const ingest = (fields = {}) => Effect.flatMap(ReportIngest, (reports) => reports.ingest(receivedReport(fields)))

describe("ReportIngest", () => {
  it.effect("turns reports away when enough are waiting, and takes them again later", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const program = Effect.gen(function*() {
        const first = yield* Effect.forkChild(ingest(), { startImmediately: true })
        const second = yield* Effect.forkChild(ingest(), { startImmediately: true })

        const error = yield* Effect.flip(ingest())
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(first)
        yield* Fiber.join(second)
        yield* ingest()

        assert.strictEqual(error.reason._tag, "Overloaded")
      })

      yield* program.pipe(
        Effect.provide(ingesting({ concurrencyMax: 1, waitingMax: 1 }, () => Deferred.await(gate)))
      )
    }))

  it.effect("leaves small reports their places, however many large ones wait for each other", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const services = Array.from({ length: 2_000 }, (_, index) => receivedStatus({ serviceName: `service-${index}` }))
      const begun = yield* Ref.make(0)
      const append = (report: StatusReport) =>
        report.statuses.length < services.length
          ? Effect.void
          : Effect.andThen(Ref.update(begun, (count) => count + 1), Deferred.await(gate))
      const program = Effect.gen(function*() {
        const large = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(ingest({ services })))
        yield* Effect.repeat(Effect.yieldNow, { until: () => Effect.map(Ref.get(begun), (count) => count > 0) })
        const small = yield* Effect.timeoutOption(ingest(), "1 minute").pipe(Effect.forkChild)
        yield* TestClock.adjust("2 minutes")
        const isStored = Option.isSome(yield* Fiber.join(small))
        const inside = yield* Ref.get(begun)
        yield* Deferred.succeed(gate, undefined)
        yield* Effect.forEach(large, Fiber.join)

        assert.deepStrictEqual({ isStored, inside }, { isStored: true, inside: 1 })
      })

      yield* Effect.provide(program, ingesting({ concurrencyMax: 2, limit: Duration.hours(1) }, append))
    }))

  it.effect("gives up a report that is not stored in time, so that its poller keeps it", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.flip(ingest()), { startImmediately: true })

      yield* TestClock.adjust("20 seconds")
      const error = yield* Fiber.join(fiber)

      assert.strictEqual(error.reason._tag, "StoreUnavailable")
      assert.strictEqual(error.message, "Report of poller-1 not stored: not stored within 20s")
    }).pipe(Effect.provide(ingesting({ limit: Duration.seconds(20) }, () => Effect.never))))

  it.effect("passes on what the store refuses", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(ingest())

      assert.strictEqual(error.reason._tag, "StoreRefused")
    }).pipe(
      Effect.provide(ingesting({}, () =>
        Effect.fail(new StatusStoreError({ operation: "append", reason: new StoreRefused({ detail: "no" }) }))))
    ))

  it.effect("acknowledges and drops reports of pollers that are not known", () =>
    Effect.gen(function*() {
      const stored = yield* Ref.make<ReadonlyArray<string>>([])
      const known = new Set([PollerId.make("poller-1")])

      yield* Effect.andThen(ingest({ pollerId: "stranger" }), ingest()).pipe(
        Effect.provide(
          ingesting({ knownPollers: known }, (report) => Ref.update(stored, (ids) => [...ids, report.pollerId]))
        )
      )

      assert.deepStrictEqual(yield* Ref.get(stored), ["poller-1"])
    }))
})
