/** What a context asks of the schema, in steps that are applied once each, and how far a database has come with them. */
import { type Effect, Schema } from "effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SqlFailure from "../connection/SqlFailure.ts"

type Change = Effect.Effect<void, unknown, SqlClient.SqlClient>

export interface Migration {
  readonly up: Change
  /** Makes the schema as it was before; without one there is no way back. */
  readonly down?: Change
}

/** The migrations of one context. A number is never used again, a migration never edited once released. */
export interface Migrations {
  /** As an operator reads it: `core`, `identity`, … */
  readonly context: string
  /** Where it is kept which of them were applied; with its schema where that is not the first of the search path. */
  readonly table: string
  /** In which the steps make their tables; made first. Without one it is the first of the search path. */
  readonly schema?: string
  /** By `<number>_<name>`, in order. */
  readonly steps: Readonly<Record<string, Migration>>
}

/** A step failed, and so nothing of this run was applied. */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  context: Schema.String,
  step: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    const why = this.cause instanceof Error ? SqlFailure.detail(this.cause) : String(this.cause)
    return `migration ${this.step} of ${this.context} failed: ${why}`
  }
}

/** Nothing is done to a database that knows more than this version. */
export class DatabaseTooNew extends Schema.TaggedError<DatabaseTooNew>()("DatabaseTooNew", {
  context: Schema.String,
  /** As the database has them. */
  unknown: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `the database is of a newer version: ${this.context} does not know its ${this.unknown.join(", ")}`
  }
}

/** Texts of all people are kept; in another encoding some would be refused when they come. */
export class WrongEncoding extends Schema.TaggedError<WrongEncoding>()("WrongEncoding", {
  encoding: Schema.String
}) {
  override get message(): string {
    return `the encoding of the database is ${this.encoding}, expected UTF8: ` +
      "make it with encoding 'UTF8' template template0"
  }
}

export class Irreversible extends Schema.TaggedError<Irreversible>()("Irreversible", {
  context: Schema.String,
  step: Schema.String
}) {
  override get message(): string {
    return `migration ${this.step} of ${this.context} has no way back`
  }
}

export type MigrationsError = MigrationFailed | DatabaseTooNew | WrongEncoding | Irreversible

/** The number before the first `_`. */
export const versionOf = (step: string): number => Number.parseInt(step, 10)
