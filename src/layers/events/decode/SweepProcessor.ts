/** SWEEP: host states in JSON to `sweep_host_states`. */
import { Result } from "effect"
import { eachObject, parseBytes } from "../../../domain/events/decode/Json.ts"
import * as SweepMapping from "../../../domain/events/mapping/measurements/SweepMapping.ts"
import type { Processor } from "./Processor.ts"

export const process: Processor = (data, context) =>
  Result.map(
    Result.flatMap(parseBytes(data), (value) => eachObject(value, (object) => SweepMapping.map(object, context))),
    (rows) => ({ table: "sweep_host_states", rows })
  )
