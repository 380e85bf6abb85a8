/** A session of one of the two sides: in UTC, so that a time has one text, and unable to write. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, type Redacted, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { writtenNames } from "../../../domain/events/storing/TablePolicy.ts"
import { ComparisonError } from "../../../services/events/TableComparison.ts"
import * as SqlFailure from "../../postgres/connection/SqlFailure.ts"
import * as TableCatalog from "../store/TableCatalog.ts"
import type * as Statements from "./ComparisonStatements.ts"

export interface ComparedSide {
  readonly url: Redacted.Redacted
  readonly schema: string
}

export interface Side {
  readonly name: "left" | "right"
  readonly schema: string
  readonly query: <A, I>(
    schema: Schema.Codec<A, I>,
    statement: Statements.Statement
  ) => Effect.Effect<A, ComparisonError>
  readonly catalog: Effect.Effect<ReadonlyMap<string, TableCatalog.CatalogTable>, ComparisonError>
}

export const open = Effect.fnUntraced(function*(name: "left" | "right", { schema, url }: ComparedSide) {
  const failed = (error: SqlError) => new ComparisonError({ side: name, detail: SqlFailure.detail(error) })
  const sql = yield* PgClient.make({
    url,
    maxConnections: 1,
    applicationName: "serviceradar-compare",
    connectTimeout: "10 seconds",
    startupParameters: { timezone: "UTC", default_transaction_read_only: "on" }
  }).pipe(Effect.mapError(failed))
  const side: Side = {
    name,
    schema,
    query: (decoded, { parameters, text }) =>
      Effect.mapError(sql.unsafe(text, parameters), failed).pipe(
        // The statement gives the rows their shape.
        Effect.flatMap((rows) => Effect.orDie(Schema.decodeUnknownEffect(decoded)(rows)))
      ),
    catalog: Effect.mapError(TableCatalog.read(sql.unsafe, schema, writtenNames), failed)
  }
  return side
})

export type Sides = readonly [Side, Side]

/** Asks both at once. */
export const both = <A>(ask: (side: Side) => Effect.Effect<A, ComparisonError>, [left, right]: Sides) =>
  Effect.all([ask(left), ask(right)], { concurrency: 2 })
