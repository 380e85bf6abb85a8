/** Points of every kind from OTLP protobuf, each given to `row` with its resource. */
import type { Result } from "effect"
import type { Problem } from "../../../domain/events/decode/DecodeError.ts"
import type { Collector } from "../../../domain/events/decode/Elements.ts"
import { cleanText } from "../../../domain/events/decode/Json.ts"
import type { Point, Resource } from "../../../domain/events/mapping/otlp/Otlp.ts"
import { ExportMetricsServiceRequest } from "../../../gen/opentelemetry/proto/collector/metrics/v1/metrics_service.ts"
import type { KeyValue } from "../../../gen/opentelemetry/proto/common/v1/common.ts"
import type { Metric, NumberDataPoint } from "../../../gen/opentelemetry/proto/metrics/v1/metrics.ts"
import * as OtlpValue from "./OtlpValue.ts"
import * as Protobuf from "./Protobuf.ts"

type Base = Pick<Point, "name" | "unit">

interface WirePoint {
  readonly timeUnixNano: bigint
  readonly flags: number
  readonly attributes: ReadonlyArray<KeyValue>
}

/** The flag of a point that says that there was nothing to record. */
const noRecordedValue = 1

const point = (base: Base, kind: Point["kind"], wire: WirePoint, value: number | undefined): Point => ({
  name: base.name,
  unit: base.unit,
  kind,
  time: wire.timeUnixNano,
  value: (wire.flags & noRecordedValue) === 0 ? value ?? null : null,
  attributes: OtlpValue.attributes(wire.attributes)
})

const numberOf = ({ value }: NumberDataPoint): number | undefined =>
  value === undefined ? undefined : Number(value.value)

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
      return data.value.dataPoints.map((wire) => point(base, data.$case, wire, wire.sum))
    case "exponentialHistogram":
      return data.value.dataPoints.map((wire) => point(base, "exponential_histogram", wire, wire.sum))
  }
}

export const read = <Row extends object>(
  data: Uint8Array,
  out: Collector<Row>,
  row: (point: Point, resource: Resource) => Row
): Result.Result<void, Problem> =>
  Protobuf.readRequest(ExportMetricsServiceRequest, data, out, (request) => {
    for (const group of request.resourceMetrics) {
      const resource = OtlpValue.resource(group.resource)
      for (const inner of group.scopeMetrics) {
        for (const metric of inner.metrics) {
          for (const one of points(metric)) {
            if (out.isOver) return
            out.add(row(one, resource))
          }
        }
      }
    }
  })
