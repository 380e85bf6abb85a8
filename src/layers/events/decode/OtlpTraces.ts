/** Spans from OTLP protobuf, each given to `row` with its resource and scope; one more than is allowed is enough. */
import { Result } from "effect"
import type { Problem } from "../../../domain/events/decode/DecodeError.ts"
import { cleanText } from "../../../domain/events/decode/Json.ts"
import type { Resource, Scope, Span } from "../../../domain/events/mapping/otlp/Otlp.ts"
import { rowsPerMessageMax } from "../../../domain/events/stream/EventMessage.ts"
import { ExportTraceServiceRequest } from "../../../gen/opentelemetry/proto/collector/trace/v1/trace_service.ts"
import type { Span as Wire } from "../../../gen/opentelemetry/proto/trace/v1/trace.ts"
import * as OtlpValue from "./OtlpValue.ts"
import * as Protobuf from "./Protobuf.ts"

const span = (wire: Wire): Span => ({
  traceId: OtlpValue.hex(wire.traceId),
  spanId: OtlpValue.hex(wire.spanId),
  parentSpanId: OtlpValue.hex(wire.parentSpanId),
  name: cleanText(wire.name),
  kind: wire.kind,
  start: wire.startTimeUnixNano,
  end: wire.endTimeUnixNano,
  attributes: OtlpValue.attributes(wire.attributes),
  events: wire.events.map((event) => ({
    time: event.timeUnixNano,
    name: cleanText(event.name),
    attributes: OtlpValue.attributes(event.attributes)
  })),
  links: wire.links.map((link) => ({
    traceId: OtlpValue.hex(link.traceId),
    spanId: OtlpValue.hex(link.spanId),
    attributes: OtlpValue.attributes(link.attributes)
  })),
  statusCode: wire.status?.code ?? 0,
  statusMessage: cleanText(wire.status?.message ?? "")
})

export const read = <Row>(
  data: Uint8Array,
  row: (span: Span, resource: Resource, scope: Scope) => Row
): Result.Result<ReadonlyArray<Row>, Problem> =>
  Result.map(Protobuf.read(ExportTraceServiceRequest, data), (request) => {
    const rows: Array<Row> = []
    for (const group of request.resourceSpans) {
      const resource = OtlpValue.resource(group.resource)
      for (const inner of group.scopeSpans) {
        const scope = OtlpValue.scope(inner.scope)
        for (const wire of inner.spans) {
          rows.push(row(span(wire), resource, scope))
          if (rows.length > rowsPerMessageMax) return rows
        }
      }
    }
    return rows
  })
