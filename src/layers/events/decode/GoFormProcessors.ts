/** The processors of the streams that the Go writer of v1.0.76 stores, into its tables and in its form. */
import { Result } from "effect"
import * as CloudEvent from "../../../domain/events/decode/CloudEvent.ts"
import { cleanText, eachObject, isObject, type JsonObject, parseBytes } from "../../../domain/events/decode/Json.ts"
import * as GoEvent from "../../../domain/events/mapping/goform/GoEvent.ts"
import * as GoRows from "../../../domain/events/mapping/goform/GoRows.ts"
import type { RowContext } from "../../../domain/events/stream/EventMessage.ts"
import * as LogsProcessor from "./LogsProcessor.ts"
import * as OtelMetricsProcessor from "./OtelMetricsProcessor.ts"
import * as OtelTracesProcessor from "./OtelTracesProcessor.ts"
import type { Processor } from "./Processor.ts"

/** The message as it was sent, where it is one object; else the object of its own. */
const rawOf = (value: unknown, data: Uint8Array) => (object: JsonObject): string =>
  isObject(value) && value["specversion"] !== undefined && !Array.isArray(value["data"])
    ? cleanText(new TextDecoder().decode(data))
    : JSON.stringify(object)

const event = (raw: (object: JsonObject) => string, context: RowContext) => (object: JsonObject, index: number) =>
  Result.map(
    CloudEvent.unwrap(object),
    ({ payload }) => GoEvent.map(object, payload, raw(object), context, index)
  )

export const events: Processor = (data, context) =>
  Result.map(
    Result.flatMap(
      parseBytes(data),
      (value) => eachObject(CloudEvent.spread(value), event(rawOf(value, data), context))
    ),
    (rows) => ({ table: "events", rows })
  )

export const logs: Processor = (data, context) =>
  Result.map(
    LogsProcessor.process(data, context),
    (content) => content.table === "logs" ? { table: "logs", rows: content.rows.map(GoRows.log) } : content
  )

export const traces: Processor = (data, context) =>
  Result.map(
    OtelTracesProcessor.process(data, context),
    (content) =>
      content.table === "otel_traces" ? { table: "otel_traces", rows: content.rows.map(GoRows.span) } : content
  )

/** The same columns; only who sent no name has none, see `OtlpMapping`. */
export const metrics: Processor = OtelMetricsProcessor.process
