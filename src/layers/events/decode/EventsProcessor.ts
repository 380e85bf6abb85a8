/** EVENTS: OCSF, syslog in GELF, SNMP traps and CloudEvents in JSON to `ocsf_events`. */
import { Result } from "effect"
import * as CloudEvent from "../../../domain/events/decode/CloudEvent.ts"
import { eachObject, parseBytes } from "../../../domain/events/decode/Json.ts"
import * as LogActivityMapping from "../../../domain/events/mapping/logs/LogActivityMapping.ts"
import * as OcsfEventMapping from "../../../domain/events/mapping/ocsf/OcsfEventMapping.ts"
import type { Processor } from "./Processor.ts"

export const process: Processor = (data, context) =>
  Result.map(
    Result.flatMap(parseBytes(data), (value) =>
      eachObject(CloudEvent.spread(value), (object, index) =>
        OcsfEventMapping.isNative(object)
          ? OcsfEventMapping.map(object, context, index)
          : LogActivityMapping.map(object, context, index))),
    (rows) => ({ table: "ocsf_events", rows })
  )
