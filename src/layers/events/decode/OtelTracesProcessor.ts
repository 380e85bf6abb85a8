/** OTEL_TRACES: spans in OTLP (protobuf, JSON) or plain JSON to `otel_traces`. */
import { Result } from "effect"
import * as CloudEvent from "../../../domain/events/decode/CloudEvent.ts"
import { eachObject } from "../../../domain/events/decode/Json.ts"
import type { Resource, Scope, Span } from "../../../domain/events/mapping/otlp/Otlp.ts"
import * as OtlpJson from "../../../domain/events/mapping/otlp/OtlpJson.ts"
import * as OtlpMapping from "../../../domain/events/mapping/otlp/OtlpMapping.ts"
import * as SpanJsonMapping from "../../../domain/events/mapping/otlp/SpanJsonMapping.ts"
import * as OtlpTraces from "./OtlpTraces.ts"
import { jsonOrProtobuf, type Processor } from "./Processor.ts"

export const process: Processor = (data, context) => {
  const toRow = (span: Span, resource: Resource, scope: Scope) => OtlpMapping.spanRow(span, resource, scope, context)
  return Result.map(
    jsonOrProtobuf(
      data,
      (value) =>
        OtlpJson.isRequest(value, "resourceSpans")
          ? OtlpJson.spans(value, toRow)
          : eachObject(CloudEvent.spread(value), CloudEvent.inside((object) => SpanJsonMapping.map(object, context))),
      (bytes) => OtlpTraces.read(bytes, toRow)
    ),
    (rows) => ({ table: "otel_traces", rows })
  )
}
