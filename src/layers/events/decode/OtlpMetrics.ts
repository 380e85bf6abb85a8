/** Points of every kind from OTLP protobuf, each given to `row` with its resource; one more than is allowed is enough. */
import { Result } from "effect"
import type { Problem } from "../../../domain/events/decode/DecodeError.ts"
import { cleanText } from "../../../domain/events/decode/Json.ts"
import type { Point, Resource } from "../../../domain/events/mapping/otlp/Otlp.ts"
import { rowsPerMessageMax } from "../../../domain/events/stream/EventMessage.ts"
import { ExportMetricsServiceRequest } from "../../../gen/opentelemetry/proto/collector/metrics/v1/metrics_service.ts"
import type { KeyValue } from "../../../gen/opentelemetry/proto/common/v1/common.ts"
import type { Metric, NumberDataPoint } from "../../../gen/opentelemetry/proto/metrics/v1/metrics.ts"
import * as OtlpValue from "./OtlpValue.ts"
import * as Protobuf from "./Protobuf.ts"

type Base = Pick<Point, "name" | "unit">

const point = (
  base: Base,
  kind: Point["kind"],
  wire: { readonly timeUnixNano: bigint; readonly attributes: ReadonlyArray<KeyValue> },
  value: number
): Point => ({
  name: base.name,
  unit: base.unit,
  kind,
  time: wire.timeUnixNano,
  value,
  attributes: OtlpValue.attributes(wire.attributes)
})

const numberOf = (wire: NumberDataPoint): number => Number(wire.value?.value ?? 0)

const points = (metric: Metric): ReadonlyArray<Point> => {
  const base = { name: cleanText(metric.name), unit: cleanText(metric.unit) }
  const data = metric.data
  switch (data?.$case) {
    case undefined:
      return []
    case "gauge":
    case "sum":
      return data.value.dataPoints.map((wire) => point(base, data.$case, wire, numberOf(wire)))
    case "histogram":
    case "summary":
      return data.value.dataPoints.map((wire) => point(base, data.$case, wire, wire.sum ?? 0))
    case "exponentialHistogram":
      return data.value.dataPoints.map((wire) => point(base, "exponential_histogram", wire, wire.sum ?? 0))
  }
}

export const read = <Row>(
  data: Uint8Array,
  row: (point: Point, resource: Resource) => Row
): Result.Result<ReadonlyArray<Row>, Problem> =>
  Result.map(Protobuf.read(ExportMetricsServiceRequest, data), (request) => {
    const rows: Array<Row> = []
    for (const group of request.resourceMetrics) {
      const resource = OtlpValue.resource(group.resource)
      for (const inner of group.scopeMetrics) {
        for (const metric of inner.metrics) {
          for (const one of points(metric)) {
            rows.push(row(one, resource))
            if (rows.length > rowsPerMessageMax) return rows
          }
        }
      }
    }
    return rows
  })
