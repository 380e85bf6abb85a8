/**
 * The statements that make an existing table fit for both writers, and for the summaries of traces.
 *
 * These find new spans by a b-tree over `created_at`, though a BRIN index would be nearly free: rows that take the place
 * of deleted ones would spoil that, and it needs a summarizing job to stay quick. It costs spans about a tenth of their
 * insert rate, and other tables nothing.
 */
import type { AdoptionPlan } from "../../../domain/events/storing/AdoptionPlan.ts"
import { quote } from "./InsertStatement.ts"
import type { CatalogTable } from "./TableCatalog.ts"

export interface Step {
  readonly table: string
  /** What it makes, for an operator whose database does not let us. */
  readonly column: string
  readonly wanted: string
  readonly text: string
  /** May take long, and runs outside of a transaction. */
  readonly isLong: boolean
  /** Whether rows cannot be written, or would be written twice, without it. */
  readonly isNeeded: boolean
}

const nameOf = (schema: string, table: string): string => `${quote(schema)}.${quote(table)}`

const columnStep = (
  schema: string,
  table: string,
  columns: ReadonlyArray<{ readonly name: string; readonly definition: string }>
): ReadonlyArray<Step> =>
  columns.length === 0 ? [] : [{
    table,
    column: columns.map(({ name }) => name).join(", "),
    wanted: columns.map(({ definition }) => definition).join(", "),
    // Columns without a value for the rows that are there, or with one for all: nothing is rewritten.
    text: `alter table ${nameOf(schema, table)} ${
      columns.map(({ definition, name }) => `add column if not exists ${quote(name)} ${definition}`).join(", ")
    }`,
    isLong: false,
    isNeeded: true
  }]

const indexSteps = (
  schema: string,
  found: CatalogTable,
  index: { readonly name: string; readonly isUnique: boolean; readonly columns: ReadonlyArray<string> }
): ReadonlyArray<Step> => {
  // On the side where PostgreSQL can: not for the parts of a partitioned table.
  const concurrently = found.kind === "table" && !found.isHypertable ? "concurrently" : ""
  const columns = index.columns.map(quote).join(", ")
  const step = { table: found.name, column: index.columns.join(", "), isLong: true, isNeeded: index.isUnique }
  const existing = found.indexes.find(({ name }) => name === index.name)
  const create = {
    ...step,
    wanted: index.isUnique ? "a unique index" : "an index",
    text: `create ${index.isUnique ? "unique " : ""}index ${concurrently} if not exists ${quote(index.name)} on ${
      nameOf(schema, found.name)
    } (${columns})`
  }
  if (existing?.isValid === true) return []
  // What an attempt that was cut off has left.
  const drop = { ...step, wanted: "a valid index", text: `drop index ${concurrently} ${nameOf(schema, index.name)}` }
  return existing === undefined ? [create] : [drop, create]
}

const writtenAt = "created_at"

const writtenAtSteps = (schema: string, found: CatalogTable): ReadonlyArray<Step> => {
  if (found.name !== "otel_traces") return []
  if (found.indexes.some(({ columns, isValid }) => isValid && columns[0] === writtenAt)) return []
  const isThere = found.columns.some(({ name }) => name === writtenAt)
  return [
    ...columnStep(
      schema,
      found.name,
      isThere ? [] : [{ name: writtenAt, definition: "timestamptz not null default now()" }]
    ),
    ...indexSteps(schema, found, { name: "otel_traces_created_at", isUnique: false, columns: [writtenAt] })
  ]
}

export const make = (schema: string, found: CatalogTable, plan: AdoptionPlan): ReadonlyArray<Step> =>
  plan.problems.length > 0 ? [] : [
    ...columnStep(schema, found.name, plan.addColumns.map(({ name, type }) => ({ name, definition: type }))),
    ...(plan.addKey === undefined
      ? []
      : indexSteps(schema, found, { name: `${found.name}_event_writer_key`, isUnique: true, columns: plan.addKey })),
    ...writtenAtSteps(schema, found)
  ]
