/**
 * Statements on records, in sessions of the role `serviceradar_app`, which cannot bypass row-level security. Each names the
 * tenant whose rows alone it sees; one that names none sees nothing.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { type DateTime, Effect, Option, Schedule, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Stored } from "../../domain/records/Record.ts"
import { evaluate } from "../../domain/resource/expression/Evaluate.ts"
import type { Answer } from "../../domain/resource/expression/Kind.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import { render, type Sql } from "../../domain/sql/Sql.ts"
import { type Asker, RecordsRefused, RecordsUnavailable } from "../../services/records/Records.ts"
import * as BrokenRollback from "../postgres/connection/BrokenRollback.ts"
import { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as Rows from "../postgres/connection/Rows.ts"
import * as SqlFailure from "../postgres/connection/SqlFailure.ts"
import * as RecordRows from "./RecordRows.ts"

export const Total = Schema.Struct({ total: Schema.Int })

/** The setting for the rows of all tenants. */
export const everywhere = "*"

/** The actor's attribute that names its tenant, also for resources that have none. */
const tenantName = "tenantId"

export interface Place {
  readonly tenant: Answer
  /** For row-level security. */
  readonly setting: string
}

export const placeOf = (
  { bypass, tenant }: Pick<Definition, "bypass" | "tenant">,
  { actor }: Asker,
  now: DateTime.Utc,
  isEverywhere = tenant === undefined
): Place => {
  const own = actor[tenant ?? tenantName] ?? null
  const isAll = isEverywhere && bypass !== undefined &&
    evaluate(bypass, { actor, arguments: {}, now, record: {} }) === true
  return { tenant: own, setting: isAll ? everywhere : String(own ?? "") }
}

export const failure =
  ({ action, definition }: { readonly action: string; readonly definition: Definition }) =>
  (error: SqlError): RecordsUnavailable | RecordsRefused => {
    const detail = SqlFailure.detail(error)
    return SqlFailure.mayPass(error) || SqlFailure.isCanceled(error)
      ? new RecordsUnavailable({ detail })
      : new RecordsRefused({ resource: definition.name, action, detail })
  }

/** As an address has it: a whole number in one way only. */
const numberOf = (text: string): unknown => /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : text

export const keyOf = ({ attributes, key }: Definition, text: string): Option.Option<Answer> => {
  const attribute = attributes[key]
  return attribute === undefined
    ? Option.none()
    : Schema.decodeUnknownOption(attribute.schema)(attribute.kind === "integer" ? numberOf(text) : text)
}

export const run = <S extends Schema.Decoder<unknown>>(sql: PgClient.PgClient, schema: S, statement: Sql) => {
  const { binds, text } = render(statement)
  return Rows.query(schema, sql.unsafe(text, binds.map(({ v }) => v)))
}

const readers = new WeakMap<Definition, ReturnType<typeof RecordRows.reader>>()

/** Of a resource's rows; made once. */
const readerOf = (definition: Definition) => {
  const known = readers.get(definition) ?? RecordRows.reader(definition)
  readers.set(definition, known)
  return known
}

export const records = (
  sql: PgClient.PgClient,
  definition: Definition,
  statement: Sql
): Effect.Effect<ReadonlyArray<Stored>, SqlError> => {
  const { binds, text } = render(statement)
  return Effect.flatMap(sql.unsafe(text, binds.map(({ v }) => v)), readerOf(definition))
}

type Work<A, E> = (sql: PgClient.PgClient) => Effect.Effect<A, E>

export interface Database {
  /** Statements that stand alone. */
  readonly use: <A, E>(work: Work<A, E>) => Effect.Effect<A, E | RecordsUnavailable>
  /** All of them or none. */
  readonly transaction: <A, E>(work: Work<A, E>) => Effect.Effect<A, E | SqlError | RecordsUnavailable>
}

/** Whoever has lost against another change finds it made the next time. */
const anew = { while: SqlFailure.isLostRace, times: 3, schedule: Schedule.jittered(Schedule.exponential("10 millis")) }

export const database: Effect.Effect<Database, never, PgConnection> = Effect.map(
  PgConnection,
  ({ application }) => {
    const client = Effect.mapError(application, ({ detail }) => new RecordsUnavailable({ detail }))
    return {
      use: (work) => Effect.flatMap(client, work),
      transaction: (work) =>
        Effect.flatMap(client, (sql) => BrokenRollback.asFailure(sql.withTransaction(Effect.suspend(() => work(sql)))))
          .pipe(Effect.retry(anew))
    }
  }
)
