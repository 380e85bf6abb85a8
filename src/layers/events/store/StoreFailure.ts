/**
 * What a failed write means: which of the things a writer can do about it helps.
 *
 * Only what PostgreSQL says about values and constraints makes a row the culprit. All else, even what nobody foresaw,
 * counts as an outage, because a row given up by mistake is lost and a row tried again is not.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { Option } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { TableName } from "../../../domain/events/rows/Tables.ts"
import { type EventRow, find } from "../../../domain/events/storing/Suspects.ts"
import {
  EventStoreError,
  RowRejected,
  StoreTimeout,
  StoreUnavailable,
  TableUnusable
} from "../../../services/events/EventStore.ts"
import type { DatabaseUnavailable } from "../../postgres/connection/PgConnection.ts"
import * as SqlFailure from "../../postgres/connection/SqlFailure.ts"

/** Data exceptions, constraints, values too large for an index or a row, and triggers that object. */
const rejections = /^(?:22|23|54000|P0001)/

/** No such schema, table, column or type, not a table, not allowed, a generated column. */
const unusable = /^(?:3F000|42)/

const field = (cause: unknown, name: "code" | "column" | "constraint" | "detail"): string => {
  if (typeof cause !== "object" || cause === null) return ""
  const value: unknown = Object.getOwnPropertyDescriptor(cause, name)?.value
  return typeof value === "string" ? value : ""
}

/** A row in no or the wrong partition: reported like a check that failed, but without the name of a constraint. */
const isMisplaced = (cause: unknown): boolean => field(cause, "code") === "23514" && field(cause, "constraint") === ""

const some = (text: string): Option.Option<string> => text === "" ? Option.none() : Option.some(text)

const rejected = (error: SqlError, table: TableName, rows: ReadonlyArray<EventRow>): RowRejected => {
  const cause = error.reason.cause
  return new RowRejected({
    code: field(cause, "code"),
    // Of its time, and of no fault in it.
    isForLater: isMisplaced(cause),
    column: some(field(cause, "column")),
    constraint: some(field(cause, "constraint")),
    detail: SqlFailure.detail(error),
    suspects: find(table, rows, field(cause, "detail"))
  })
}

const isTimeout = ({ reason }: SqlError): boolean => reason._tag === "StatementTimeoutError"

/** Somebody else holds the table or the keys, which says nothing about the rows, however long it takes. */
const isLocked = ({ reason }: SqlError): boolean => reason._tag === "LockTimeoutError"

const reasonOf = (error: SqlError, table: TableName, rows: ReadonlyArray<EventRow>): EventStoreError["reason"] => {
  const { cause } = error.reason
  if (isTimeout(error)) {
    return new StoreTimeout({ rows: rows.length, detail: SqlFailure.detail(error) })
  }
  const code = field(cause, "code")
  if (unusable.test(code) || isLocked(error)) return new TableUnusable({ code, detail: SqlFailure.detail(error) })
  return cause instanceof PgTypes.CodecError || rejections.test(code)
    ? rejected(error, table, rows)
    : new StoreUnavailable({ code, detail: SqlFailure.detail(error) })
}

export const ofWrite = (
  error: SqlError | DatabaseUnavailable | StoreUnavailable,
  table: TableName,
  rows: ReadonlyArray<EventRow>
): EventStoreError =>
  new EventStoreError({
    operation: table,
    reason: error._tag === "SqlError"
      ? reasonOf(error, table, rows)
      : error._tag === "StoreUnavailable"
      ? error
      : new StoreUnavailable({ code: "", detail: error.detail })
  })

/** Of a statement that writes no rows of messages. */
export const ofQuery = (
  error: SqlError | DatabaseUnavailable | StoreUnavailable,
  operation: string
): EventStoreError => {
  if (error._tag === "StoreUnavailable") return new EventStoreError({ operation, reason: error })
  const isQuery = error._tag === "SqlError"
  const code = isQuery ? field(error.reason.cause, "code") : ""
  const detail = isQuery ? SqlFailure.detail(error) : error.detail
  return new EventStoreError({
    operation,
    reason: isQuery && (isTimeout(error) || isLocked(error))
      ? new StoreTimeout({ rows: 0, detail })
      : unusable.test(code)
      ? new TableUnusable({ code, detail })
      : new StoreUnavailable({ code, detail })
  })
}

/**
 * Rolled back by chance, and simply run again: a deadlock, a serialization failure, or a partition that was made while the
 * statement waited to write into the default one.
 */
export const isChance = (error: SqlError | DatabaseUnavailable | StoreUnavailable): boolean =>
  error._tag === "SqlError" && (error.reason._tag === "DeadlockError" ||
    error.reason._tag === "SerializationError" || isMisplaced(error.reason.cause))
