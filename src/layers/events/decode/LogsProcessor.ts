/** LOGS: OTLP (protobuf, JSON) and logs in JSON of any other shape to `logs`. */
import { Result } from "effect"
import * as CloudEvent from "../../../domain/events/decode/CloudEvent.ts"
import { eachObject } from "../../../domain/events/decode/Json.ts"
import * as LogJsonMapping from "../../../domain/events/mapping/logs/LogJsonMapping.ts"
import type { LogRecord, Resource, Scope } from "../../../domain/events/mapping/otlp/Otlp.ts"
import * as OtlpJson from "../../../domain/events/mapping/otlp/OtlpJson.ts"
import * as OtlpMapping from "../../../domain/events/mapping/otlp/OtlpMapping.ts"
import * as OtlpLogs from "./OtlpLogs.ts"
import { jsonOrProtobuf, type Processor } from "./Processor.ts"

export const process: Processor = (data, context) => {
  let index = 0
  const toRow = (record: LogRecord, resource: Resource, scope: Scope) =>
    OtlpMapping.logRow(record, resource, scope, context, index++)
  return Result.map(
    jsonOrProtobuf(
      data,
      (value) =>
        OtlpJson.isRequest(value, "resourceLogs")
          ? OtlpJson.logs(value, toRow)
          : eachObject(CloudEvent.spread(value), (object, at) => LogJsonMapping.map(object, context, at)),
      (bytes) => OtlpLogs.read(bytes, toRow)
    ),
    (rows) => ({ table: "logs", rows })
  )
}
