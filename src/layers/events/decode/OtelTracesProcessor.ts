/** OTEL_TRACES: spans in OTLP (protobuf, JSON) or plain JSON to `otel_traces`. */
import { Result } from "effect"
import * as OtlpJson from "../../../domain/events/mapping/otlp/OtlpJson.ts"
import * as OtlpMapping from "../../../domain/events/mapping/otlp/OtlpMapping.ts"
import * as SpanJsonMapping from "../../../domain/events/mapping/otlp/SpanJsonMapping.ts"
import type { OtelTraceRow } from "../../../domain/events/rows/OtelTraces.ts"
import * as OtlpTraces from "./OtlpTraces.ts"
import * as Processor from "./Processor.ts"

const read = Processor.make<OtelTraceRow>({
  object: SpanJsonMapping.map,
  request: (value, out, context) =>
    OtlpJson.spans(value, out, (span, resource, scope) => OtlpMapping.spanRow(span, resource, scope, context)),
  protobuf: (data, out, context) =>
    OtlpTraces.read(data, out, (span, resource, scope) => OtlpMapping.spanRow(span, resource, scope, context)),
  isEmptyValid: () => true
})

export const process: Processor.Processor = (data, context, headers) =>
  Result.map(read(data, context, headers), (elements) => ({ table: "otel_traces", ...elements }))
