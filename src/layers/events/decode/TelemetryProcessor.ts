/** TELEMETRY: metrics in JSON to `timeseries_metrics`. */
import { Result } from "effect"
import { hash } from "node:crypto"
import { eachObject, parseBytes } from "../../../domain/events/decode/Json.ts"
import * as TelemetryMapping from "../../../domain/events/mapping/measurements/TelemetryMapping.ts"
import type { Processor } from "./Processor.ts"

const toRow = TelemetryMapping.make((text) => hash("md5", text))

export const process: Processor = (data, context) =>
  Result.map(
    Result.flatMap(parseBytes(data), (value) => eachObject(value, (object) => toRow(object, context))),
    (rows) => ({ table: "timeseries_metrics", rows })
  )
