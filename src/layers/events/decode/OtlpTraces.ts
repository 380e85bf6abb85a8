/** Spans from OTLP protobuf, each given to `row` with its resource and scope; one without ids costs itself. */
import { Result } from "effect"
import type { Problem } from "../../../domain/events/decode/DecodeError.ts"
import type { Collector } from "../../../domain/events/decode/Elements.ts"
import { cleanText } from "../../../domain/events/decode/Json.ts"
import type { Resource, Scope, Span } from "../../../domain/events/mapping/otlp/Otlp.ts"
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

export const read = <Row extends object>(
  data: Uint8Array,
  out: Collector<Row>,
  row: (span: Span, resource: Resource, scope: Scope) => Result.Result<Row, Problem>
): Result.Result<void, Problem> =>
  Protobuf.readRequest(ExportTraceServiceRequest, data, out, (request) => {
    request.resourceSpans.forEach((group, groupAt) => {
      const resource = OtlpValue.resource(group.resource)
      group.scopeSpans.forEach((inner, innerAt) => {
        const scope = OtlpValue.scope(inner.scope)
        for (const [at, wire] of inner.spans.entries()) {
          if (out.isOver) return
          const read = row(span(wire), resource, scope)
          if (Result.isSuccess(read)) {
            out.add(read.success)
            continue
          }
          const alone = { resourceSpans: [{ ...group, scopeSpans: [{ ...inner, spans: [wire] }] }] }
          out.refuse(
            {
              path: ["resourceSpans", groupAt, "scopeSpans", innerAt, "spans", at, ...read.failure.path],
              reason: read.failure.reason
            },
            () => ExportTraceServiceRequest.encode(alone).finish()
          )
        }
      })
    })
  })
