/** NETFLOW: flows in protobuf or JSON to `ocsf_network_activity`, or to the first generation's `netflow_metrics`. */
import { Result } from "effect"
import { eachObject } from "../../../domain/events/decode/Json.ts"
import * as FlowJson from "../../../domain/events/mapping/flows/FlowJson.ts"
import * as FlowMapping from "../../../domain/events/mapping/flows/FlowMapping.ts"
import * as FlowProtobuf from "./FlowProtobuf.ts"
import { jsonOrProtobuf, type Processor } from "./Processor.ts"

export type FlowTable = "ocsf_network_activity" | "netflow_metrics"

export const make = (table: FlowTable): Processor => (data, context) =>
  Result.map(
    jsonOrProtobuf(
      data,
      (value) => eachObject(value, (object) => FlowJson.read(object, context.subject)),
      FlowProtobuf.read
    ),
    (flows) =>
      table === "ocsf_network_activity"
        ? { table, rows: flows.map((flow, index) => FlowMapping.toNetworkActivity(flow, context, index)) }
        : { table, rows: flows.map((flow, index) => FlowMapping.toNetflowMetric(flow, context, index)) }
  )
