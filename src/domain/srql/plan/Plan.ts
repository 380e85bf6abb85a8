/** What is asked of a database, and how its rows are to be read. */
import type { Bind, Sql } from "../../sql/Sql.ts"
import type { Column } from "../catalog/Entity.ts"

/**
 *   rows      the entity's columns            payload   one column of JSON objects
 *   count     one number, called `alias`      buckets   timestamp, series, value
 *   mixed     one column of JSON objects that have not all the same keys
 */
export type Shape =
  | { readonly kind: "rows"; readonly columns: ReadonlyArray<Pick<Column, "name" | "type">> }
  | { readonly kind: "count"; readonly alias: string }
  | { readonly kind: "payload" }
  | { readonly kind: "buckets" }
  | { readonly kind: "mixed" }

export interface Plan {
  readonly entity: string
  readonly sql: string
  readonly binds: ReadonlyArray<Bind>
  readonly shape: Shape
  /** Of a history: which rows there are to read depends on the times that are asked for. */
  readonly isRanged: boolean
  readonly limit: number
  readonly offset: number
  /** The order that a keyset cursor belongs to; empty where pages have none. */
  readonly order: string
  /** What was asked for and has no effect. */
  readonly warnings: ReadonlyArray<string>
}

/** A plan whose statement is not yet written. */
export interface Draft {
  readonly statement: Sql
  readonly shape: Shape
  readonly order?: string
  readonly warnings?: ReadonlyArray<string>
}
