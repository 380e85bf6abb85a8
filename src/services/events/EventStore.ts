/**
 * Keeps the rows of decoded messages.
 *
 * A write is durable as a whole or not at all, and writing the same rows again adds nothing. Its errors tell apart what a
 * writer does about them: wait, ask for less, or look for the row that cannot be stored.
 */
import { Context, type Effect, Schema } from "effect"
import type { TableName } from "../../domain/events/rows/Tables.ts"
import type { EventRow } from "../../domain/events/storing/Suspects.ts"

/** The database cannot be reached, is not ready or cannot do it now; the same write may succeed later. */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  /** SQLSTATE or the socket's error; empty when there was not even a connection. */
  code: Schema.String,
  detail: Schema.String
}) {}

/** No answer within the limit. The rows may be stored all the same. */
export class StoreTimeout extends Schema.TaggedError<StoreTimeout>()("StoreTimeout", {
  rows: Schema.Int,
  detail: Schema.String
}) {}

/** The database refuses one of the rows; no row of the statement is stored. */
export class RowRejected extends Schema.TaggedError<RowRejected>()("RowRejected", {
  /** SQLSTATE, or empty when the row could not even be sent. */
  code: Schema.String,
  column: Schema.OptionFromNullOr(Schema.String),
  constraint: Schema.OptionFromNullOr(Schema.String),
  /** The table has no room for a row of that time now, as when a partition is missing. */
  isForLater: Schema.optionalKey(Schema.Boolean),
  detail: Schema.String,
  /** Positions of the rows that are probably meant; empty when nothing is known. */
  suspects: Schema.Array(Schema.Int)
}) {}

/**
 * The table is not there, not as the rows need it, or locked by somebody, though the database answers: nothing to wait
 * for but a person, and no reason to stop the writing of other tables.
 */
export class TableUnusable extends Schema.TaggedError<TableUnusable>()("TableUnusable", {
  /** SQLSTATE. */
  code: Schema.String,
  detail: Schema.String
}) {}

export class EventStoreError extends Schema.TaggedError<EventStoreError>()("EventStoreError", {
  /** The table, or what else was to be done. */
  operation: Schema.String,
  reason: Schema.Union([StoreUnavailable, StoreTimeout, RowRejected, TableUnusable])
}) {
  override get message(): string {
    return `Event store, ${this.operation}: ${this.reason._tag}: ${this.reason.detail}`
  }
}

export interface Written {
  readonly inserted: number
  /** Rows that were there already. */
  readonly repeated: number
  /** Owners whose rows were not tried, as the store knows of a rule that they break; asked for alone, it says which. */
  readonly setAside?: ReadonlyArray<number>
}

export class EventStore extends Context.Service<EventStore, {
  /**
   * Writes rows of one table. With `owners`, a number for each row, the store may set the rows of some owners aside to
   * save the others from being refused with them; without, all are written or none.
   */
  readonly write: (
    table: TableName,
    rows: ReadonlyArray<EventRow>,
    owners?: ReadonlyArray<number>
  ) => Effect.Effect<Written, EventStoreError>
}>()("serviceradar/services/event-writer/EventStore") {}
