/** EVENTS: OCSF, syslog in GELF, SNMP traps and CloudEvents in JSON to `ocsf_events`. */
import { Result } from "effect"
import * as LogActivityMapping from "../../../domain/events/mapping/logs/LogActivityMapping.ts"
import * as OcsfEventMapping from "../../../domain/events/mapping/ocsf/OcsfEventMapping.ts"
import * as Processor from "./Processor.ts"

const read = Processor.make({
  object: (element, context, index) =>
    OcsfEventMapping.isNative(element.payload)
      ? OcsfEventMapping.map(element, context, index)
      : LogActivityMapping.map(element, context, index)
})

export const process: Processor.Processor = (data, context, headers) =>
  Result.map(read(data, context, headers), (elements) => ({ table: "ocsf_events", ...elements }))
