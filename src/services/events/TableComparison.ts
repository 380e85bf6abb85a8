/**
 * Holds the tables of two writers of the same streams against each other, to see whether one can replace the other.
 *
 * Left is the writer that is trusted. Rows are compared window by window in the order of their time, so any number of
 * them needs little memory; those that are written meanwhile may be seen on one side only.
 */
import { Context, type Effect, Schema } from "effect"
import type { Example } from "../../domain/events/comparing/DifferenceTally.ts"
import type { TableName } from "../../domain/events/rows/Tables.ts"

export class ComparisonError extends Schema.TaggedError<ComparisonError>()("ComparisonError", {
  side: Schema.Literals(["left", "right"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The ${this.side} side: ${this.detail}`
  }
}

export interface ComparedRange {
  readonly sinceMillis?: number | undefined
  readonly untilMillis?: number | undefined
}

export interface TableDifference {
  readonly table: TableName
  /** Another one where the sides have events in different forms. */
  readonly rightTable: TableName
  readonly leftRows: number
  readonly rightRows: number
  readonly equal: number
  /** The same row, or a row of the left that has none here, with differences that are on purpose only. */
  readonly deliberate: number
  /** The same row with other values. */
  readonly differing: number
  /** On the left only. */
  readonly missing: number
  /** On the right only. */
  readonly extra: number
  /** Why they differ on purpose; the most frequent first. */
  readonly reasons: ReadonlyArray<{ readonly reason: string; readonly rows: number }>
  /** In how many differing rows a column differs; the most frequent first. */
  readonly differingColumns: ReadonlyArray<{ readonly column: string; readonly rows: number }>
  readonly examples: ReadonlyArray<Example>
  /** The columns by which rows were found to be the same. */
  readonly key: ReadonlyArray<string>
  readonly leftOut: ReadonlyArray<{ readonly column: string; readonly why: string }>
}

export const isEqual = (difference: TableDifference): boolean =>
  difference.differing + difference.missing + difference.extra === 0

export class TableComparison extends Context.Service<TableComparison, {
  /** The tables that each side has. */
  readonly tables: Effect.Effect<
    { readonly left: ReadonlySet<TableName>; readonly right: ReadonlySet<TableName> },
    ComparisonError
  >
  /**
   * Where only one side has the table, all of its rows are missing or extra; `events` of one side are held against
   * `ocsf_events` of the other where neither has both. `onProgress` hears how many rows of the left were compared.
   */
  readonly compare: (
    table: TableName,
    range: ComparedRange,
    onProgress: (rows: number) => Effect.Effect<void>
  ) => Effect.Effect<TableDifference, ComparisonError>
}>()("serviceradar/services/event-writer/TableComparison") {}
