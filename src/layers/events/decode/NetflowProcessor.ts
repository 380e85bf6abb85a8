/** NETFLOW: flows in protobuf or JSON to `ocsf_network_activity`, or to the first generation's `netflow_metrics`. */
import { Result } from "effect"
import { fail, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import * as Timestamp from "../../../domain/events/decode/Timestamp.ts"
import { type Flow, saysNothing } from "../../../domain/events/mapping/flows/Flow.ts"
import * as FlowJson from "../../../domain/events/mapping/flows/FlowJson.ts"
import * as FlowMapping from "../../../domain/events/mapping/flows/FlowMapping.ts"
import type { RowContext } from "../../../domain/events/stream/EventMessage.ts"
import type { FlowTable } from "../../../domain/events/stream/Streams.ts"
import * as FlowProtobuf from "./FlowProtobuf.ts"
import * as Processor from "./Processor.ts"

const readJson = (object: Parameters<typeof FlowJson.read>[0], subject: string): Result.Result<Flow, Problem> =>
  Result.flatMap(
    FlowJson.read(object, subject),
    (flow) =>
      saysNothing(flow) ? fail(["src_addr"], "expected an address, a MAC address or a count") : Result.succeed(flow)
  )

/** A flow without a time of its own has that of the event around it. */
const timed = (flow: Flow, envelopeTime: string | undefined): Flow =>
  envelopeTime === undefined || (flow.endedAt ?? flow.receivedAt ?? flow.startedAt) !== null
    ? flow
    : { ...flow, receivedAt: Timestamp.micros(envelopeTime) ?? null }

const reader = <Row extends object>(toRow: (flow: Flow, context: RowContext, index: number) => Row) =>
  Processor.make<Row>({
    object: ({ envelope, payload }, context, index) =>
      Result.map(
        readJson(payload, context.subject),
        (flow) => toRow(timed(flow, envelope?.time), context, index)
      ),
    protobuf: (data, out, context) => FlowProtobuf.read(data, out, (flow) => toRow(flow, context, out.count))
  })

const readers = {
  ocsf_network_activity: reader(FlowMapping.toNetworkActivity),
  netflow_metrics: reader(FlowMapping.toNetflowMetric)
}

export const make = (table: FlowTable): Processor.Processor =>
  table === "ocsf_network_activity"
    ? (data, context, headers) =>
      Result.map(readers[table](data, context, headers), (elements) => ({ table, ...elements }))
    : (data, context, headers) =>
      Result.map(readers[table](data, context, headers), (elements) => ({ table, ...elements }))
