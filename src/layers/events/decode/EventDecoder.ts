/**
 * From a fetched message to its rows: routes by subject, finds the tenant and runs the stream's processor.
 *
 * Synchronous, without state and without a throw: a message gives its rows and what of it cannot be one, or a
 * `DecodeError` that says where and why. The same message gives the same rows at every delivery.
 */
import { Result } from "effect"
import type { Decode, Decoded } from "../../../domain/events/decode/Decode.ts"
import { DecodeError, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import type { TableRows } from "../../../domain/events/rows/Tables.ts"
import type { TableForm } from "../../../domain/events/storing/TableForm.ts"
import type { EventMessage } from "../../../domain/events/stream/EventMessage.ts"
import { type FlowTable, flowTableOf, type StreamName } from "../../../domain/events/stream/Streams.ts"
import * as Subject from "../../../domain/events/stream/Subject.ts"
import * as Tenant from "../../../domain/events/stream/Tenant.ts"
import * as EventsProcessor from "./EventsProcessor.ts"
import * as GoFormProcessors from "./GoFormProcessors.ts"
import * as LogsProcessor from "./LogsProcessor.ts"
import * as NetflowProcessor from "./NetflowProcessor.ts"
import * as OtelMetricsProcessor from "./OtelMetricsProcessor.ts"
import * as OtelTracesProcessor from "./OtelTracesProcessor.ts"
import type { Processor } from "./Processor.ts"
import * as RowIds from "./RowIds.ts"
import * as SweepProcessor from "./SweepProcessor.ts"
import * as TelemetryProcessor from "./TelemetryProcessor.ts"

type Processors = Readonly<Record<StreamName, Processor>>

export interface Options {
  /** For messages that name no tenant; without it they are refused. */
  readonly tenantDefault?: string | undefined
  readonly flowTable?: FlowTable | undefined
  /** Subjects whose messages a rule engine publishes once more, processed; the raw ones give no rows. Default none. */
  readonly supersededSubjects?: ReadonlySet<string>
  /** In whose tables rows go, known when the first message is decoded. Default the current form. */
  readonly form?: () => TableForm | undefined
}

const superseded: TableRows = { table: "logs", rows: [] }
const none: Decoded["refused"] = []

export const make = (options: Options = {}): Decode => {
  const current: Processors = {
    TELEMETRY: TelemetryProcessor.process,
    EVENTS: EventsProcessor.process,
    SWEEP: SweepProcessor.process,
    NETFLOW: NetflowProcessor.make(options.flowTable ?? flowTableOf("current")),
    OTEL_METRICS: OtelMetricsProcessor.process,
    OTEL_TRACES: OtelTracesProcessor.process,
    LOGS: LogsProcessor.process
  }
  const go: Processors = {
    ...current,
    EVENTS: GoFormProcessors.events,
    NETFLOW: NetflowProcessor.make(options.flowTable ?? flowTableOf("go-1.0.76")),
    OTEL_METRICS: GoFormProcessors.metrics,
    OTEL_TRACES: GoFormProcessors.traces,
    LOGS: GoFormProcessors.logs
  }
  const processors = (form: TableForm): Processors => form === "current" ? current : go

  const decode = (message: EventMessage, route: Subject.Route): Result.Result<Decoded, Problem> => {
    const { headers, storedAtMicros } = message
    const tenant = Tenant.resolve(route.tenant, headers, options.tenantDefault)
    if (Result.isFailure(tenant)) return Result.fail(tenant.failure)
    const tenantId = tenant.success
    const { stream, subject } = route
    if (options.supersededSubjects?.has(subject) === true) {
      return Result.succeed({ stream, tenantId, isSuperseded: true, content: superseded, refused: none, weight: 0 })
    }
    const form = options.form?.() ?? "current"
    const context = { tenantId, subject, storedAtMicros, id: RowIds.make(message, subject), form }
    const read = processors(form)[stream](message.data, context, headers)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    const content = read.success
    const refused = content.refused.length === 0 ? none : content.refused.map(({ data, element, problem }) => ({
      element,
      data,
      error: DecodeError.of(message, stream, problem)
    }))
    const weight = Math.max(content.weight, message.data.length)
    return Result.succeed({ stream, tenantId, isSuperseded: false, content, refused, weight })
  }

  return (message) => {
    const route = Subject.route(message.subject)
    if (route === undefined) {
      return Result.fail(DecodeError.of(message, "", { path: [], reason: "expected a subject of one of the streams" }))
    }
    const decoded = decode(message, route)
    return Result.isFailure(decoded)
      ? Result.fail(DecodeError.of(message, route.stream, decoded.failure))
      : Result.succeed(decoded.success)
  }
}
