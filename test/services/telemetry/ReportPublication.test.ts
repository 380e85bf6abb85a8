import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import type { AvailabilityChange } from "../../../src/domain/monitoring/reports/AvailabilityChange.ts"
import * as StatusReport from "../../../src/domain/monitoring/reports/StatusReport.ts"
import { ReportObserver } from "../../../src/services/telemetry/ReportObserver.ts"
import { ReportPublication } from "../../../src/services/telemetry/ReportPublication.ts"
import { receivedReport, receivedStatus } from "../../support/statusReports.ts"
import { collecting } from "./published.ts"

const report = Effect.fnUntraced(function*(changed: boolean) {
  const observe = yield* ReportObserver
  const receivedAtMillis = yield* Clock.currentTimeMillis
  const { report } = Result.getOrThrow(
    StatusReport.accept(receivedReport({ services: [receivedStatus({ available: false })] }), yield* DateTime.now)
  )
  const changes = report.statuses.map((status): AvailabilityChange => ({
    ...status,
    pollerId: report.pollerId,
    sourceIp: report.sourceIp,
    previous: true,
    reportedAt: report.reportedAt,
    document: status.message
  }))
  observe({ report, changes: changed ? changes : [], receivedAtMillis })
})

const publishing = <A, E>(
  test: (publisher: ReturnType<typeof collecting>) => Effect.Effect<A, E, ReportPublication>
) => {
  const publisher = collecting()
  let ids = 0
  const layer = ReportPublication.layer({ newId: () => `id-${++ids}` })
  return test(publisher).pipe(Effect.provide(Layer.provide(layer, publisher.layer)))
}

const subjectsOf = (publisher: ReturnType<typeof collecting>) =>
  Effect.map(publisher.taken, (taken) => taken.map(({ subject }) => subject))

describe("ReportPublication", () => {
  it.effect("tells of a poller's first report and of what the report changed", () =>
    publishing((publisher) =>
      Effect.gen(function*() {
        yield* report(true)

        assert.deepStrictEqual(yield* subjectsOf(publisher), ["events.poller.health", "events.ocsf.processed"])
        yield* report(false)
        assert.deepStrictEqual(yield* subjectsOf(publisher), [])
      })
    ))

  it.effect("tells of a poller that stops to report, and of its return", () =>
    publishing((publisher) =>
      Effect.gen(function*() {
        const { watch } = yield* ReportPublication
        yield* Effect.forkChild(watch, { startImmediately: true })
        for (let count = 0; count < 60; count++) {
          yield* report(false)
          yield* TestClock.adjust("2 seconds")
        }
        yield* publisher.taken

        yield* TestClock.adjust("5 minutes")
        const gone = yield* publisher.taken
        yield* report(false)
        const back = yield* publisher.taken

        const statesOf = ([one]: typeof gone) => one?.document["data"]
        assert.lengthOf(gone, 1)
        assert.deepInclude(statesOf(gone), { previous_state: "healthy", current_state: "unhealthy" })
        assert.deepInclude(statesOf(back), { previous_state: "unhealthy", current_state: "healthy" })
      })
    ))
})
