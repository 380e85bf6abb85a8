/** Records in PostgreSQL: each action a statement or a transaction of its own, measured. */
import { Effect, Layer } from "effect"
import * as RecordMetrics from "../../services/records/RecordMetrics.ts"
import { Records } from "../../services/records/Records.ts"
import type { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as RecordReads from "./RecordReads.ts"
import * as RecordTransactions from "./RecordTransactions.ts"
import * as RecordWrites from "./RecordWrites.ts"

export const layer: Layer.Layer<Records, never, PgConnection> = Layer.effect(
  Records,
  Effect.map(RecordTransactions.database, (database) => {
    const write = RecordWrites.make(database)
    const find = RecordReads.find(database)
    const list = RecordReads.list(database)
    return Records.of({
      write: (writing) => RecordMetrics.measured(writing, write(writing)),
      deny: RecordWrites.deny(database),
      find: (finding) => RecordMetrics.measured(finding, find(finding)),
      list: (listing) => RecordMetrics.measured(listing, list(listing))
    })
  })
)
