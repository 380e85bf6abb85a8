/** SWEEP: host states in JSON to `sweep_host_states`. */
import { Result } from "effect"
import * as SweepMapping from "../../../domain/events/mapping/measurements/SweepMapping.ts"
import * as Processor from "./Processor.ts"

const read = Processor.make({ object: SweepMapping.map })

export const process: Processor.Processor = (data, context, headers) =>
  Result.map(read(data, context, headers), (elements) => ({ table: "sweep_host_states", ...elements }))
