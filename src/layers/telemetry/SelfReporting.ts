/**
 * What a program tells of itself through the event streams, whatever of it happens there: metrics and sweeps of a
 * poller, events of core, logs, traces of polls, metrics of the process.
 *
 *   Telemetry (one_for_one)
 *   ├─ Publisher       permanent: sends what is offered to the event streams
 *   ├─ Restarts        permanent: restarts of the supervision tree, as log lines
 *   ├─ Metrics         permanent: all metrics, every half minute
 *   └─ ProcessMetrics  permanent: keeps the process's own up to date
 *
 * Nothing of it waits for the streams, and nothing that it observes waits for it.
 */
import { Effect, Layer, type LogLevel } from "effect"
import * as crypto from "node:crypto"
import { EventPublisher } from "../../services/events/EventPublisher.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as LogPublication from "../../services/telemetry/LogPublication.ts"
import { pollSpan } from "../../services/telemetry/PollObserver.ts"
import * as PollPublication from "../../services/telemetry/PollPublication.ts"
import * as ReportPublication from "../../services/telemetry/ReportPublication.ts"
import * as OtlpPublication from "./OtlpPublication.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"

export interface SelfReportingOptions {
  /** `poller`, `core` and so on. */
  readonly program: string
  readonly version: string
  /** From which level on log lines are published. Default `Warn`. */
  readonly logLevel?: LogLevel.LogLevel
}

const newId = (): string => crypto.randomUUID()

const serviceOf = ({ program, version }: SelfReportingOptions): OtlpPublication.OtlpPublicationOptions => ({
  serviceName: `serviceradar-${program}`,
  serviceVersion: version
})

/** For everything that is built or run with it. */
export const layer = (options: SelfReportingOptions): Layer.Layer<never, never, EventPublisher> =>
  Layer.mergeAll(
    LogPublication.layer({ ...options, newId, ...(options.logLevel === undefined ? {} : { level: options.logLevel }) }),
    PollPublication.layer(),
    ReportPublication.layer({ newId }),
    OtlpPublication.layerTracer({ ...serviceOf(options), roots: new Set([pollSpan]) })
  )

/** For a supervisor that runs beside or around what is told of. */
export const tree = (options: SelfReportingOptions) =>
  ({
    id: "Telemetry",
    strategy: "one_for_one",
    children: [
      Supervisor.child({
        id: "Publisher",
        // Its own troubles are not for itself to tell.
        run: Effect.provideService(EventPublisher.use(({ keep }) => keep), LogPublication.isPublished, false)
      }),
      Supervisor.child({ id: "Restarts", run: LogPublication.publishRestarts({ ...options, newId }) }),
      Supervisor.child({ id: "Metrics", run: OtlpPublication.publishMetrics(serviceOf(options)) }),
      Supervisor.child({ id: "ProcessMetrics", run: ProcessMetrics.keep })
    ]
  }) as const
