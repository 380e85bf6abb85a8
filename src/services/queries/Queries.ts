/** Questions in SRQL, answered by the database. */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { Visualization } from "../../domain/queries/Visualization.ts"
import type { Asking } from "../../domain/srql/catalog/Entity.ts"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import type { Shape } from "../../domain/srql/plan/Plan.ts"
import type { RowStyle } from "../../domain/srql/plan/RowText.ts"

export interface Question {
  /** SRQL. */
  readonly text: string
  readonly style: RowStyle
  /** Whose rows; null where the database holds those of one tenant only. */
  readonly tenant: string | null
  /** As resources know whoever asks; of nobody they answer nothing. */
  readonly actor?: Asking["actor"]
  /** Who asks, as far as that is known: one asker does not take all places. */
  readonly asker?: string | undefined
  /** Wins over the query's own. */
  readonly limit?: number | undefined
  /** Of an earlier answer. */
  readonly cursor?: string | undefined
  /** Pages by the last row's sort values, which rows written meanwhile do not shift. */
  readonly withKeyset?: boolean | undefined
  /** An operator may ask for what costs more than the limit. */
  readonly isCostly?: boolean | undefined
}

export interface Page {
  /** JSON texts, one for each row. */
  readonly rows: ReadonlyArray<string>
  readonly nextCursor: string | null
  readonly prevCursor: string | null
  readonly limit: number
  readonly visualization: Visualization | null
  /** What was asked for and has no effect. */
  readonly warnings: ReadonlyArray<string>
}

export type LiveEvent =
  /** JSON. */
  | { readonly _tag: "Row"; readonly row: string }
  /** The reader was so slow that rows came this much later than they could have. None is left out. */
  | { readonly _tag: "Late"; readonly seconds: number }

/** The database cannot be asked now. */
export class DatabaseAway extends Schema.TaggedClass<DatabaseAway>()("DatabaseAway", { detail: Schema.String }) {
  get text(): string {
    return `the database is not available: ${this.detail}`
  }
}

/** Stopped by the database, which is free again. */
export class TookTooLong extends Schema.TaggedClass<TookTooLong>()("TookTooLong", { seconds: Schema.Number }) {
  get text(): string {
    return `the query took longer than ${this.seconds} s and was stopped: narrow its time range or its filters`
  }
}

/** Refused before it began, by the database's own estimate. */
export class TooCostly extends Schema.TaggedClass<TooCostly>()("TooCostly", {
  cost: Schema.Number,
  costMax: Schema.Number
}) {
  get text(): string {
    return `the query is estimated to cost ${
      Math.round(this.cost)
    }, more than ${this.costMax}: narrow its time range or its filters, or, as an operator, ask with costly=true`
  }
}

/** Bytes of JSON. */
export class AnswerTooLarge extends Schema.TaggedClass<AnswerTooLarge>()("AnswerTooLarge", { bytesMax: Schema.Int }) {
  get text(): string {
    return `the answer is larger than ${this.bytesMax} bytes: ask for fewer rows and follow next_cursor`
  }
}

/** The database has no such table: its owner writes no such data. */
export class NoSuchData extends Schema.TaggedClass<NoSuchData>()("NoSuchData", {
  entity: Schema.String,
  detail: Schema.String
}) {
  get text(): string {
    return `this database has no ${this.entity}: ${this.detail}`
  }
}

/** The database refused the statement: a value it cannot read, for example. */
export class StatementRefused extends Schema.TaggedClass<StatementRefused>()("StatementRefused", {
  detail: Schema.String
}) {
  get text(): string {
    return `the database refused the query: ${this.detail}`
  }
}

/** As many questions are answered as may be at once. */
export class TooManyQuestions extends Schema.TaggedClass<TooManyQuestions>()("TooManyQuestions", {
  atOnce: Schema.Int
}) {
  get text(): string {
    return `${this.atOnce} queries are being answered, which is as many as may be at once: ask again`
  }
}

export const QueryFailure = Schema.Union([
  DatabaseAway,
  TooManyQuestions,
  TookTooLong,
  TooCostly,
  AnswerTooLarge,
  NoSuchData,
  StatementRefused
])

export class QueryError extends Schema.TaggedError<QueryError>()("QueryError", { reason: QueryFailure }) {
  override get message(): string {
    return this.reason.text
  }
}

export class Queries extends Context.Service<Queries, {
  /** One page, whole. */
  readonly page: (question: Question) => Effect.Effect<Page, SrqlError | QueryError>
  /** What its rows will be; the database is not asked. */
  readonly shape: (question: Question) => Effect.Effect<Shape, SrqlError>
  /**
   * All rows that the question's limit allows, in constant memory, as JSON texts. What is refused is so before there is a stream, and
   * the first rows are there; whoever does not begin to read them soon is not waited for.
   */
  readonly rows: (
    question: Question
  ) => Effect.Effect<Stream.Stream<string, SrqlError | QueryError>, SrqlError | QueryError>
  /** The rows of a page, and then every row that is stored from now on. What is refused is so before there is a stream. */
  readonly live: (
    question: Question
  ) => Effect.Effect<Stream.Stream<LiveEvent, SrqlError | QueryError>, SrqlError | QueryError>
}>()("serviceradar/services/queries/Queries") {}
