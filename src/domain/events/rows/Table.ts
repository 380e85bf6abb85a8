/**
 * How a target table is described: once, as a record of columns from which the type of its rows follows.
 *
 * Values are kept in the form that is cheapest to carry and to write: a `timestamptz` is a number of microseconds since
 * 1970 (exact until the year 2255), a `jsonb` is JSON text that has been encoded already or a document that is encoded
 * when it is sent, an `int8` is a bigint.
 */

/** Rows that come again are never sent, so the larger part of what they are is never made. */
export interface JsonDocument {
  readonly toText: () => string
  /** The same as a value. */
  readonly toJSON: () => unknown
}

const isDocument = (value: object): value is JsonDocument => "toText" in value

export interface Values {
  readonly text: string
  readonly uuid: string
  readonly int4: number
  readonly int8: bigint
  readonly float8: number
  readonly boolean: boolean
  readonly timestamptz: number
  readonly jsonb: string | JsonDocument
  readonly "text[]": ReadonlyArray<string>
}

/** A `jsonb` value as it is sent. */
export const jsonText = (value: Values["jsonb"] | object): string =>
  typeof value === "string" ? value : isDocument(value) ? value.toText() : JSON.stringify(value)

export type ColumnType = keyof Values

export interface Column {
  readonly type: ColumnType
  readonly nullable: boolean
}

export type Columns = Readonly<Record<string, Column>>

export interface Table<C extends Columns> {
  readonly name: string
  /** The column by which the table is partitioned. */
  readonly time: keyof C & string
  /** What makes a row unique, with the tenant in front; writing the same key twice must add nothing. */
  readonly key: ReadonlyArray<keyof C & string>
  /**
   * `natural` where the content decides; `ingest` where only the message and the row's place in it tell two rows
   * apart, as two flows or two points may be equal in every column.
   */
  readonly keyKind: "natural" | "ingest"
  readonly columns: C
  /** Further columns of a table of our making, which others fill: readers of the existing system ask for them. */
  readonly unwritten?: Columns
}

type ValueOf<C> = C extends { readonly type: infer T extends ColumnType; readonly nullable: infer N }
  ? N extends true ? Values[T] | null : Values[T]
  : never

/** The type of a table's rows: a key for each column. */
export type RowOf<T extends { readonly columns: Columns }> = {
  readonly [K in keyof T["columns"]]: ValueOf<T["columns"][K]>
}

export const required = <const T extends ColumnType>(type: T) => ({ type, nullable: false } as const)

export const optional = <const T extends ColumnType>(type: T) => ({ type, nullable: true } as const)

/** Keeps the literal types of the columns. */
export const table = <const C extends Columns>(description: Table<C>): Table<C> => description
