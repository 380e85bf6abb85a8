/** Log records from OTLP protobuf, each given to `row` with its resource and scope. */
import type { Result } from "effect"
import type { Problem } from "../../../domain/events/decode/DecodeError.ts"
import type { Collector } from "../../../domain/events/decode/Elements.ts"
import { cleanText } from "../../../domain/events/decode/Json.ts"
import type { LogRecord, Resource, Scope } from "../../../domain/events/mapping/otlp/Otlp.ts"
import { ExportLogsServiceRequest } from "../../../gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import type { LogRecord as Wire } from "../../../gen/opentelemetry/proto/logs/v1/logs.ts"
import * as OtlpValue from "./OtlpValue.ts"
import * as Protobuf from "./Protobuf.ts"

const record = (wire: Wire): LogRecord => ({
  time: wire.timeUnixNano,
  observedTime: wire.observedTimeUnixNano,
  severityNumber: wire.severityNumber,
  severityText: cleanText(wire.severityText),
  body: OtlpValue.plain(wire.body),
  attributes: OtlpValue.attributes(wire.attributes),
  flags: wire.flags,
  traceId: OtlpValue.hex(wire.traceId),
  spanId: OtlpValue.hex(wire.spanId),
  eventName: cleanText(wire.eventName)
})

export const read = <Row extends object>(
  data: Uint8Array,
  out: Collector<Row>,
  row: (record: LogRecord, resource: Resource, scope: Scope) => Row
): Result.Result<void, Problem> =>
  Protobuf.readRequest(ExportLogsServiceRequest, data, out, (request) => {
    for (const group of request.resourceLogs) {
      const resource = OtlpValue.resource(group.resource)
      for (const inner of group.scopeLogs) {
        const scope = OtlpValue.scope(inner.scope)
        for (const wire of inner.logRecords) {
          if (out.isOver) return
          out.add(row(record(wire), resource, scope))
        }
      }
    }
  })
