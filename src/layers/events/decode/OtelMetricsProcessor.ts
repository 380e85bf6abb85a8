/** OTEL_METRICS: OTLP (protobuf, JSON) and the collector's performance metrics (JSON) to `otel_metrics`. */
import { Result } from "effect"
import * as CloudEvent from "../../../domain/events/decode/CloudEvent.ts"
import { eachObject } from "../../../domain/events/decode/Json.ts"
import type { Point, Resource } from "../../../domain/events/mapping/otlp/Otlp.ts"
import * as OtlpJson from "../../../domain/events/mapping/otlp/OtlpJson.ts"
import * as OtlpMapping from "../../../domain/events/mapping/otlp/OtlpMapping.ts"
import * as PerformanceMetricMapping from "../../../domain/events/mapping/otlp/PerformanceMetricMapping.ts"
import * as OtlpMetrics from "./OtlpMetrics.ts"
import { jsonOrProtobuf, type Processor } from "./Processor.ts"

export const process: Processor = (data, context) => {
  let index = 0
  const toRow = (point: Point, resource: Resource) => OtlpMapping.pointRow(point, resource, context, index++)
  return Result.map(
    jsonOrProtobuf(
      data,
      (value) =>
        OtlpJson.isRequest(value, "resourceMetrics")
          ? OtlpJson.metrics(value, toRow)
          : eachObject(
            CloudEvent.spread(value),
            CloudEvent.inside((object, at) => PerformanceMetricMapping.map(object, context, at))
          ),
      (bytes) => OtlpMetrics.read(bytes, toRow)
    ),
    (rows) => ({ table: "otel_metrics", rows })
  )
}
