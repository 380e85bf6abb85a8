/**
 * The event store in PostgreSQL: one `insert … select from unnest(…) on conflict do nothing` per write.
 *
 * A statement has a time limit of its own, shorter than the connection's; one that exceeds it is cancelled on the server,
 * where it may have been committed a moment before: writing again then finds its rows there. The limit begins when there
 * is a connection for it: waiting for one says nothing about the size of the statement.
 */
import { Duration, Effect, Layer, Schedule } from "effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { TableName } from "../../../domain/events/rows/Tables.ts"
import type { EventRow } from "../../../domain/events/storing/Suspects.ts"
import {
  EventStore,
  EventStoreError,
  StoreTimeout,
  StoreUnavailable
} from "../../../services/event-writer/EventStore.ts"
import { PgConnection } from "../PgConnection.ts"
import * as InsertStatement from "./InsertStatement.ts"
import * as StoreFailure from "./StoreFailure.ts"

export interface PgEventStoreOptions {
  /** Default `platform`, as in the existing database. */
  readonly schema?: string
  /** For one statement. Default 15 s; a server that does not even react to the cancellation costs 5 s more. */
  readonly statementLimit?: Duration.Duration
  /** For a connection of the pool to be free. Default 30 s. */
  readonly connectionLimit?: Duration.Duration
}

/** What the client answers to a statement without rows. */
const rowCountOf = (result: unknown): number =>
  typeof result === "object" && result !== null && "rowCount" in result && typeof result.rowCount === "number"
    ? result.rowCount
    : 0

export const layer = (options: PgEventStoreOptions = {}): Layer.Layer<EventStore, never, PgConnection> => {
  const { connectionLimit = Duration.seconds(30), schema = "platform", statementLimit = Duration.seconds(15) } = options
  const make = (name: TableName) => InsertStatement.make(schema, name)
  const statements: Readonly<Record<TableName, InsertStatement.InsertStatement>> = {
    timeseries_metrics: make("timeseries_metrics"),
    ocsf_events: make("ocsf_events"),
    sweep_host_states: make("sweep_host_states"),
    ocsf_network_activity: make("ocsf_network_activity"),
    netflow_metrics: make("netflow_metrics"),
    otel_metrics: make("otel_metrics"),
    otel_traces: make("otel_traces"),
    logs: make("logs")
  }

  const noConnection = (table: TableName) =>
    new EventStoreError({
      operation: table,
      reason: new StoreUnavailable({
        code: "",
        detail: `no connection of the pool was free for ${Duration.format(connectionLimit)}`
      })
    })
  const tooSlow = (table: TableName, rows: number) =>
    new EventStoreError({
      operation: table,
      reason: new StoreTimeout({ rows, detail: `longer than ${Duration.format(statementLimit)}` })
    })

  return Layer.effect(
    EventStore,
    Effect.map(PgConnection, (connection) => {
      const reserve = (table: TableName) =>
        Effect.flatMap(connection.client, (sql) => sql.reserve).pipe(
          Effect.mapError((error) => StoreFailure.ofWrite(error, table, [])),
          Effect.timeoutOrElse({ duration: connectionLimit, orElse: () => Effect.fail(noConnection(table)) })
        )
      const insert = (session: Connection, table: TableName, rows: ReadonlyArray<EventRow>) =>
        Effect.suspend(() => session.executeRaw(statements[table].text, statements[table].parameters(rows))).pipe(
          Effect.retry({
            schedule: Schedule.jittered(Schedule.spaced("20 millis")),
            times: 3,
            while: StoreFailure.isChance
          }),
          Effect.map((result) => {
            const inserted = rowCountOf(result)
            return { inserted, repeated: rows.length - inserted }
          }),
          Effect.mapError((error) => StoreFailure.ofWrite(error, table, rows)),
          Effect.timeoutOrElse({ duration: statementLimit, orElse: () => Effect.fail(tooSlow(table, rows.length)) })
        )
      const write = Effect.fn("EventStore.write")((table: TableName, rows: ReadonlyArray<EventRow>) =>
        Effect.scoped(Effect.flatMap(reserve(table), (session) => insert(session, table, rows)))
      )
      return EventStore.of({ write })
    })
  )
}
