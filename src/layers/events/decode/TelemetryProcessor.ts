/** TELEMETRY: metrics in JSON to `timeseries_metrics`. */
import { Result } from "effect"
import { hash } from "node:crypto"
import * as TelemetryMapping from "../../../domain/events/mapping/measurements/TelemetryMapping.ts"
import * as Processor from "./Processor.ts"

const toRow = TelemetryMapping.make((text) => hash("md5", text))

const read = Processor.make({ object: toRow })

export const process: Processor.Processor = (data, context, headers) =>
  Result.map(read(data, context, headers), (elements) => ({ table: "timeseries_metrics", ...elements }))
