/**
 * Rows as one array parameter per column, for `unnest`.
 *
 * Arrays of a fixed number need no limit on rows and one prepared statement for batches of every size. What has no binary
 * array here goes as text and is cast by the statement: `jsonb`, because most rows carry it encoded already, and `text[]`,
 * because arrays of arrays must be rectangular in PostgreSQL.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { Result } from "effect"
import * as Table from "../../../domain/events/rows/Table.ts"

export type ColumnType = "text" | "uuid" | "int4" | "int8" | "float8" | "boolean" | "timestamptz" | "jsonb" | "text[]"

/** A table's columns without their names, for code that treats all tables alike. */
export type AnyColumns = Readonly<Record<string, { readonly type: ColumnType; readonly nullable: boolean }>>

interface Wire {
  readonly oid: number
  /** The type of the array's elements in the statement. */
  readonly sent: string
  /** Appended to the column in the select list. */
  readonly cast: string
  readonly encode?: (value: unknown) => unknown
}

/** Milliseconds whose truncation to microseconds by the client gives exactly these, until the year 2112. */
const toMillis = (value: unknown): unknown =>
  typeof value === "number" && Math.abs(value) < 2 ** 52 ?
    (value + (value < 0 ? -0.5 : 0.5)) / 1000
    : typeof value === "number"
    ? value / 1000
    : value

const quoted = (text: unknown): string => `"${String(text).replace(/["\\]/g, "\\$&")}"`

const arrayLiteral = (value: unknown): unknown => Array.isArray(value) ? `{${value.map(quoted).join(",")}}` : value

/** A document is encoded here and not before: most of what a repeated row costs. */
const jsonText = (value: unknown): unknown =>
  typeof value === "object" && value !== null ? Table.jsonText(value) : value

const { OID } = PgTypes

export const wire: Readonly<Record<ColumnType, Wire>> = {
  text: { oid: OID.text, sent: "text", cast: "" },
  uuid: { oid: OID.uuid, sent: "uuid", cast: "" },
  int4: { oid: OID.int4, sent: "int4", cast: "" },
  int8: { oid: OID.int8, sent: "int8", cast: "" },
  float8: { oid: OID.float8, sent: "float8", cast: "" },
  boolean: { oid: OID.bool, sent: "bool", cast: "" },
  timestamptz: { oid: OID.timestamptz, sent: "timestamptz", cast: "", encode: toMillis },
  jsonb: { oid: OID.text, sent: "text", cast: "::jsonb", encode: jsonText },
  "text[]": { oid: OID.text, sent: "text", cast: "::text[]", encode: arrayLiteral }
}

export interface SentColumn {
  readonly name: string
  readonly wire: Wire
}

export const parameters = (
  columns: ReadonlyArray<SentColumn>,
  rows: ReadonlyArray<Readonly<Record<string, unknown>>>
): ReadonlyArray<PgTypes.Parameter> =>
  columns.map(({ name, wire: { encode, oid } }) => {
    const values = encode === undefined ? rows.map((row) => row[name]) : rows.map((row) => encode(row[name]))
    // Fails only for an element type without an array type, and the table above has none.
    return Result.getOrThrow(PgTypes.array(values, oid))
  })
