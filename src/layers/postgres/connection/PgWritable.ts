/**
 * Whether the database answers and lets its sessions write: after a failover the old primary, and any replica, answer every
 * question and refuse every row.
 */
import { Effect, Schema } from "effect"
import { DatabaseUnavailable, PgConnection } from "./PgConnection.ts"
import * as Rows from "./Rows.ts"
import * as SqlFailure from "./SqlFailure.ts"

const State = Schema.Struct({ isReadOnly: Schema.Boolean, isReplica: Schema.Boolean })

const limit = "2 seconds"

const refused = ({ isReplica }: typeof State.Type) =>
  new DatabaseUnavailable({
    detail: isReplica
      ? "it is read-only: the server is a replica"
      : "it is read-only: default_transaction_read_only is on"
  })

export const check = Effect.gen(function*() {
  const sql = yield* PgConnection.use((connection) => connection.client)
  const [state] = yield* Rows.query(
    State,
    sql`select current_setting('transaction_read_only') = 'on' as "isReadOnly", pg_is_in_recovery() as "isReplica"`
  ).pipe(
    Effect.timeout(limit),
    Effect.mapError((error) => new DatabaseUnavailable({ detail: SqlFailure.detail(error) }))
  )
  if (state?.isReadOnly === true) return yield* refused(state)
}).pipe(Effect.withSpan("PgWritable.check"))
