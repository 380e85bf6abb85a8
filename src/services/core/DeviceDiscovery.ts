/**
 * Makes devices of what pollers report, in the order in which it came.
 *
 * Whoever reports waits only when `waitingMax` reports are ahead of it. What was waiting when the process ended is seen
 * again in the states that are kept, with which `run` begins. While the database is away the next report is tried again
 * and again; what the database refuses is told in the log and passed over.
 */
import { Context, Effect, Layer, Metric, Queue } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import { defaultTenantId } from "../../domain/identity/Tenant.ts"
import * as DeviceSightings from "../../domain/inventory/devices/DeviceSightings.ts"
import type { ServiceState } from "../../domain/monitoring/reports/ServiceState.ts"
import type { ReportedStatus, StatusReport } from "../../domain/monitoring/reports/StatusReport.ts"
import * as ServiceKinds from "../../domain/monitoring/ServiceKinds.ts"
import { DeviceRegistry } from "../inventory/DeviceRegistry.ts"
import { StatusStore } from "./StatusStore.ts"

export type Report = Pick<StatusReport, "pollerId" | "partition" | "sourceIp" | "reportedAt" | "statuses">

const waitingMax = 64

/** Checks that are remembered for having been looked at; of more, all are forgotten. */
const recentMax = 100_000
const recentMillis = 60_000

const waiting = Metric.gauge("inventory_reports_waiting", { description: "Reports whose devices are not taken yet" })

const untilAvailable = Backoff.capped({ from: "200 millis", to: "5 seconds" })

export class DeviceDiscovery extends Context.Service<DeviceDiscovery, {
  /** Waits while too many are ahead of it. */
  readonly offer: (report: Report) => Effect.Effect<void>
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/core/DeviceDiscovery") {
  static readonly layer = Layer.effect(DeviceDiscovery, Effect.suspend(() => make))
}

/** A check asks the same host every few seconds: it is looked at once a minute, and when it turns. */
class Recent {
  readonly #looked = new Map<string, { readonly isAvailable: boolean; readonly atMillis: number }>()

  isDue(report: Report, status: ReportedStatus): boolean {
    const { agentId, available, partition, serviceName, serviceType } = status
    if (ServiceKinds.resultsOf(status) !== undefined) return true
    return this.#isDue(report, [partition, agentId, serviceType, serviceName], available)
  }

  isPollerDue(report: Report): boolean {
    return this.#isDue(report, [report.partition, report.sourceIp], true)
  }

  #isDue({ pollerId, reportedAt }: Report, of: ReadonlyArray<string>, available: boolean): boolean {
    const key = JSON.stringify([pollerId, ...of])
    const atMillis = reportedAt.epochMilliseconds
    const known = this.#looked.get(key)
    const isKnown = known?.isAvailable === available && Math.abs(atMillis - known.atMillis) < recentMillis
    if (isKnown) return false
    if (this.#looked.size >= recentMax) this.#looked.clear()
    this.#looked.set(key, { isAvailable: available, atMillis })
    return true
  }

  forget(): void {
    this.#looked.clear()
  }
}

const keptMax = 1000

const reportOf = ({ message, ...state }: ServiceState): Report => ({
  ...state,
  statuses: [{ ...state, message, responseTimeNanos: 0n, source: "results" }]
})

const make = Effect.gen(function*() {
  const registry = yield* DeviceRegistry
  const store = yield* StatusStore
  const queue = yield* Queue.bounded<Report>(waitingMax)
  const recent = new Recent()

  const take = Effect.fn("DeviceDiscovery.take")(function*(report: Report) {
    const due = report.statuses.filter((status) => recent.isDue(report, status))
    const sightings = due.flatMap((status) => DeviceSightings.ofStatus(report, status))
    // After what is at its address, which this report may be the first to tell of.
    if (recent.isPollerDue(report)) sightings.push(...DeviceSightings.ofPoller(report))
    if (sightings.length === 0) return
    yield* registry.sight(defaultTenantId, sightings).pipe(
      Effect.retry({ schedule: untilAvailable, while: ({ _tag }) => _tag === "RecordsUnavailable" }),
      Effect.tapError(() => Effect.sync(() => recent.forget())),
      Effect.catch((error) =>
        Effect.logError(`What ${report.pollerId} saw of ${sightings.length} devices was not taken: ${error.message}`)
      )
    )
  })

  /** Of results, which come once, the last: they may never have been taken. Checks come again by themselves. */
  const kept = Effect.forEach(["sync", "sweep"], (type) => store.current({ type, limit: keptMax })).pipe(
    Effect.retry({ schedule: untilAvailable, while: ({ reason }) => reason._tag === "StoreUnavailable" }),
    Effect.map((states) => states.flat().map(reportOf)),
    Effect.catch((error) =>
      Effect.as(Effect.logError(`What was reported before is not looked at again: ${error.message}`), [])
    )
  )

  const run = Effect.andThen(
    Effect.flatMap(kept, (reports) => Effect.forEach(reports, take, { discard: true })),
    Effect.forever(
      Effect.andThen(
        Effect.flatMap(Queue.take(queue), take),
        Effect.flatMap(Queue.size(queue), (size) => Metric.update(waiting, size))
      )
    )
  )

  return DeviceDiscovery.of({
    offer: (report) => Effect.asVoid(Queue.offer(queue, report)),
    run
  })
})
