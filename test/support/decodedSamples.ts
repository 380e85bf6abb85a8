/** The rows that one valid message of each kind gives, by table; the sequence makes their ids differ. */
import { Result } from "effect"
import type { TableName } from "../../src/domain/events/rows/Tables.ts"
import type { EventRow } from "../../src/domain/events/storing/Suspects.ts"
import * as EventDecoder from "../../src/layers/events/decode/EventDecoder.ts"
import { message, samples } from "../layers/events/decode/samples.ts"

const flowTables = ["ocsf_network_activity", "netflow_metrics"] as const

export const decodedSamples = (): ReadonlyMap<TableName, ReadonlyArray<EventRow>> => {
  const byTable = new Map<TableName, Array<EventRow>>()
  samples.forEach(([, subject, data], at) => {
    const contents = new Map(flowTables.map((flowTable) => {
      const decode = EventDecoder.make({ tenantDefault: "acme", flowTable })
      const { content } = Result.getOrThrow(decode(message(subject, data, at + 1)))
      return [content.table, content.rows]
    }))
    for (const [table, rows] of contents) byTable.set(table, [...byTable.get(table) ?? [], ...rows])
  })
  return byTable
}
