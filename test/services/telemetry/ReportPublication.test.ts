import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Layer, Result } from "effect"
import { Partition, PollerId } from "../../../src/domain/monitoring/Ids.ts"
import type { AvailabilityChange } from "../../../src/domain/monitoring/reports/AvailabilityChange.ts"
import * as StatusReport from "../../../src/domain/monitoring/reports/StatusReport.ts"
import * as DeviceObserver from "../../../src/services/telemetry/DeviceObserver.ts"
import * as PollerObserver from "../../../src/services/telemetry/PollerObserver.ts"
import { ReportObserver } from "../../../src/services/telemetry/ReportObserver.ts"
import * as ReportPublication from "../../../src/services/telemetry/ReportPublication.ts"
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

const publishing = <A, E>(test: (publisher: ReturnType<typeof collecting>) => Effect.Effect<A, E>) => {
  const publisher = collecting()
  let ids = 0
  const layer = ReportPublication.layer({ newId: () => `id-${++ids}` })
  return test(publisher).pipe(Effect.provide(Layer.provide(layer, publisher.layer)))
}

describe("ReportPublication", () => {
  it.effect("tells of what a report changed, and of nothing else", () =>
    publishing((publisher) =>
      Effect.gen(function*() {
        yield* report(false)
        const nothing = yield* publisher.taken
        yield* report(true)

        assert.deepStrictEqual(nothing, [])
        assert.deepStrictEqual((yield* publisher.taken).map(({ subject }) => subject), ["events.ocsf.processed"])
      })
    ))

  it.effect("tells of a poller that stops to report, and of its return, in core's own form", () =>
    publishing((publisher) =>
      Effect.gen(function*() {
        const change: PollerObserver.ToldChange = {
          pollerId: PollerId.make("p"),
          partition: Partition.make("default"),
          sourceIp: "192.0.2.1",
          previous: "healthy",
          current: "unhealthy",
          lastSeenMillis: 0,
          atMillis: 60_000,
          silenceMillis: 60_000,
          isAlerted: true
        }
        yield* PollerObserver.tell(change)
        yield* PollerObserver.tell({ ...change, previous: "unhealthy", current: "healthy", isAlerted: false })
        const [gone, back] = yield* publisher.taken

        assert.strictEqual(gone?.subject, "events.poller.health")
        assert.deepInclude(gone?.document["data"], {
          poller_id: "p",
          previous_state: "healthy",
          current_state: "unhealthy",
          last_seen: "1970-01-01T00:00:00.000Z",
          timestamp: "1970-01-01T00:01:00.000Z",
          alert_sent: true
        })
        assert.deepInclude(back?.document["data"], {
          current_state: "healthy",
          alert_sent: false,
          recovery_reason: "status_report_received"
        })
      })
    ))

  it.effect("tells of a device that somebody takes out, in core's own form", () =>
    publishing((publisher) =>
      Effect.gen(function*() {
        yield* DeviceObserver.tell({
          deviceId: "sr:1",
          partition: "default",
          ip: "10.0.0.4",
          actor: "ada@example.org",
          address: "192.0.2.1",
          at: DateTime.makeUnsafe(60_000)
        })
        const [removed] = yield* publisher.taken
        assert.strictEqual(removed?.subject, "events.devices.lifecycle")
        assert.deepInclude(removed?.document, {
          id: "id-1",
          type: "com.carverauto.serviceradar.device.lifecycle",
          time: "1970-01-01T00:01:00.000Z"
        })
        assert.deepStrictEqual(removed?.document["data"], {
          device_id: "sr:1",
          partition: "default",
          action: "deleted",
          actor: "ada@example.org",
          reason: "manual_delete",
          timestamp: "1970-01-01T00:01:00.000Z",
          severity: "Medium",
          level: 5,
          remote_addr: "192.0.2.1",
          metadata: { actor: "ada@example.org", ip: "10.0.0.4", partition: "default" }
        })
      })
    ))
})
