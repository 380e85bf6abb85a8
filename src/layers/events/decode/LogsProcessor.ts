/** LOGS: OTLP (protobuf, JSON) and logs in JSON of any other shape to `logs`. */
import { Result } from "effect"
import * as LogJsonMapping from "../../../domain/events/mapping/logs/LogJsonMapping.ts"
import * as OtlpJson from "../../../domain/events/mapping/otlp/OtlpJson.ts"
import * as OtlpMapping from "../../../domain/events/mapping/otlp/OtlpMapping.ts"
import type { LogRow } from "../../../domain/events/rows/Logs.ts"
import * as OtlpLogs from "./OtlpLogs.ts"
import * as Processor from "./Processor.ts"

/** Only there are messages requests of OTLP, of which an empty one is valid. */
const isOtel = (subject: string): boolean => /(?:^|\.)otel(?:\.|$)/.test(subject)

const read = Processor.make<LogRow>({
  object: LogJsonMapping.map,
  request: (value, out, context) =>
    OtlpJson.logs(
      value,
      isOtel(context.subject),
      out,
      (record, resource, scope) => OtlpMapping.logRow(record, resource, scope, context, out.count)
    ),
  protobuf: (data, out, context) =>
    OtlpLogs.read(
      data,
      out,
      (record, resource, scope) => OtlpMapping.logRow(record, resource, scope, context, out.count)
    ),
  isEmptyValid: isOtel
})

export const process: Processor.Processor = (data, context, headers) =>
  Result.map(read(data, context, headers), (elements) => ({ table: "logs", ...elements }))
