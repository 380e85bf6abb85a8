/** Decodes what programs publish as the event writer does, for round trips. */
import { Result } from "effect"
import type { Outgoing } from "../../../../src/domain/events/outgoing/Outgoing.ts"
import type { TableRows } from "../../../../src/domain/events/rows/Tables.ts"
import type { StreamName } from "../../../../src/domain/events/stream/Streams.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { message } from "../../../layers/events/decode/samples.ts"

const decode = EventDecoder.make({ tenantDefault: "default" })

type Content<Table extends TableRows["table"]> = Extract<TableRows, { readonly table: Table }>

/** The stream and the rows; fails the test when the message is refused or leads to another table. */
export const rows = <Table extends TableRows["table"]>(
  table: Table,
  { data, subject }: Outgoing
): { readonly stream: StreamName } & Content<Table> => {
  const { content, stream } = Result.getOrThrow(decode(message(subject, data)))
  const isOf = (one: TableRows): one is Content<Table> => one.table === table
  if (!isOf(content)) throw new Error(`expected rows of ${table}, got ${content.table}`)
  return { stream, ...content }
}
