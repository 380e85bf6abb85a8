/** OTEL_METRICS: OTLP (protobuf, JSON) and the collector's performance metrics (JSON) to `otel_metrics`. */
import { Result } from "effect"
import * as OtlpJson from "../../../domain/events/mapping/otlp/OtlpJson.ts"
import * as OtlpMapping from "../../../domain/events/mapping/otlp/OtlpMapping.ts"
import * as PerformanceMetricMapping from "../../../domain/events/mapping/otlp/PerformanceMetricMapping.ts"
import type { OtelMetricRow } from "../../../domain/events/rows/OtelMetrics.ts"
import * as OtlpMetrics from "./OtlpMetrics.ts"
import * as Processor from "./Processor.ts"

const read = Processor.make<OtelMetricRow>({
  object: PerformanceMetricMapping.map,
  request: (value, out, context) =>
    OtlpJson.metrics(value, out, (point, resource) => OtlpMapping.pointRow(point, resource, context, out.count)),
  protobuf: (data, out, context) =>
    OtlpMetrics.read(data, out, (point, resource) => OtlpMapping.pointRow(point, resource, context, out.count)),
  isEmptyValid: () => true
})

export const process: Processor.Processor = (data, context, headers) =>
  Result.map(read(data, context, headers), (elements) => ({ table: "otel_metrics", ...elements }))
