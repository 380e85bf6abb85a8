/** The processors of the streams that the Go writer of v1.0.76 stores, into its tables and in its form. */
import { Result } from "effect"
import { cleanText } from "../../../domain/events/decode/Json.ts"
import * as Secrets from "../../../domain/events/decode/Secrets.ts"
import * as GoEvent from "../../../domain/events/mapping/goform/GoEvent.ts"
import * as GoRows from "../../../domain/events/mapping/goform/GoRows.ts"
import type { GoEventRow } from "../../../domain/events/rows/GoEvents.ts"
import * as LogsProcessor from "./LogsProcessor.ts"
import * as OtelMetricsProcessor from "./OtelMetricsProcessor.ts"
import * as OtelTracesProcessor from "./OtelTracesProcessor.ts"
import * as Processor from "./Processor.ts"

const readEvents = Processor.make<GoEventRow>({
  object: ({ original, payload }, context, index) =>
    Result.succeed(GoEvent.map(original, payload, JSON.stringify(original), context, index))
})

const isEnvelope = (text: string): boolean => /^\s*\{/.test(text) && text.includes("\"specversion\"")

/** The message as it was sent, where it is one event and nothing in it has to be left out. */
const withRaw = (rows: ReadonlyArray<GoEventRow>, data: Uint8Array): ReadonlyArray<GoEventRow> => {
  const [only] = rows
  if (only === undefined || rows.length > 1) return rows
  const text = cleanText(new TextDecoder().decode(data))
  return isEnvelope(text) && isWhole(text, only.raw_data) ? [{ ...only, raw_data: text }] : rows
}

const isWhole = (text: string, read: string | null): boolean =>
  !Secrets.isSuspect(text) || Result.getOrUndefined(Result.try(() => JSON.stringify(JSON.parse(text)))) === read

export const events: Processor.Processor = (data, context, headers) =>
  Result.map(readEvents(data, context, headers), (elements) => ({
    table: "events",
    ...elements,
    rows: elements.refused.length === 0 ? withRaw(elements.rows, data) : elements.rows
  }))

export const logs: Processor.Processor = (data, context, headers) =>
  Result.map(
    LogsProcessor.process(data, context, headers),
    (content) => content.table === "logs" ? { ...content, rows: content.rows.map(GoRows.log) } : content
  )

export const traces: Processor.Processor = (data, context, headers) =>
  Result.map(
    OtelTracesProcessor.process(data, context, headers),
    (content) => content.table === "otel_traces" ? { ...content, rows: content.rows.map(GoRows.span) } : content
  )

/** The same columns; only who sent no name has none, see `OtlpMapping`. */
export const metrics: Processor.Processor = OtelMetricsProcessor.process
