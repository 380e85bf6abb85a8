/**
 * Actions on many records of one tenant in one transaction, by the rules of each alone: what `perform` does not allow is
 * not done. For what programs take in, thousands at a time; everybody else has `Records`.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { DateTime, Effect, Result, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as crypto from "node:crypto"
import * as Bulk from "../../domain/records/BulkStatements.ts"
import { changedNames, changesText, shownText, type Stored, type Values } from "../../domain/records/Record.ts"
import { perform, type Refusal } from "../../domain/resource/Perform.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import type { Sql } from "../../domain/sql/Sql.ts"
import type { Asker } from "../../services/records/Records.ts"
import { records, run } from "./RecordTransactions.ts"

/** A record on its way: as the database has it, as it is to be, and what was done meanwhile. */
export interface Draft {
  readonly definition: Definition
  readonly key: string
  readonly before: Values | null
  readonly after: Values
  /** Attributes that were changed meanwhile. */
  readonly changed: ReadonlyArray<string>
  readonly deeds: ReadonlyArray<Bulk.BulkDeed>
}

/** One that is there. */
export const draftOf = (definition: Definition, { values }: Stored): Draft => ({
  definition,
  key: String(values[definition.key] ?? ""),
  before: values,
  after: values,
  changed: [],
  deeds: []
})

export const isChanged = ({ after, before }: Draft): boolean => after !== before

export interface BulkContext {
  readonly asker: Asker
  readonly tenant: string
  readonly now: DateTime.Utc
}

/** Whether it is worth an audit entry and an event. */
export type Telling = "told" | "untold"

const done = (
  { asker, now }: BulkContext,
  definition: Definition,
  action: string,
  input: Readonly<Record<string, unknown>>,
  before: Values | null
): Result.Result<Values, Refusal | UnknownAction> => {
  const declared = definition.actions[action]
  if (declared === undefined) return Result.fail(new UnknownAction({ resource: definition.name, action }))
  const given = { values: input, form: "values" } as const
  const occasion = { actor: asker.actor, now, uuid: () => crypto.randomUUID() }
  return Result.map(
    perform(definition, action, declared, given, before, occasion),
    (after) => after ?? before ?? {}
  )
}

export class UnknownAction extends Schema.TaggedError<UnknownAction>()("UnknownAction", {
  resource: Schema.String,
  action: Schema.String
}) {
  override get message(): string {
    return `${this.resource} has no action ${this.action}`
  }
}

/** What was done is told where it is worth an audit entry and an event. */
const drafted = (
  draft: Pick<Draft, "definition" | "before" | "changed" | "deeds">,
  action: string,
  before: Values | null,
  after: Values,
  telling: Telling
): Draft => {
  const { changed, deeds, definition } = draft
  const names = changedNames(definition, before, after)
  const key = String(after[definition.key] ?? "")
  const deed = telling === "untold" ? [] : [{
    resource: definition.name,
    action,
    key,
    changes: changesText(definition, names, before, after),
    record: shownText(definition, after)
  }]
  return {
    definition,
    key,
    before: draft.before,
    after,
    changed: changed.length === 0 ? names : [...changed, ...names],
    deeds: deeds.length === 0 ? deed : [...deeds, ...deed]
  }
}

/** One that is new. */
export const make = (
  context: BulkContext,
  definition: Definition,
  action: string,
  input: Readonly<Record<string, unknown>>
): Result.Result<Draft, Refusal | UnknownAction> =>
  Result.map(
    done(context, definition, action, input, null),
    (after) => drafted({ definition, before: null, changed: [], deeds: [] }, action, null, after, "told")
  )

export const change = (
  context: BulkContext,
  draft: Draft,
  action: string,
  input: Readonly<Record<string, unknown>> = {},
  telling: Telling = "told"
): Result.Result<Draft, Refusal | UnknownAction> =>
  Result.map(
    done(context, draft.definition, action, input, draft.after),
    (after) => drafted(draft, action, draft.after, after, telling)
  )

/** Those of the tenant that have one of these texts in one of these attributes, or one of the others in each of those. */
export const among = (
  sql: PgClient.PgClient,
  definition: Definition,
  { texts, together = {}, ...asking }: Bulk.Among
): Effect.Effect<ReadonlyArray<Stored>, SqlError> => {
  const some = Object.fromEntries(Object.entries(texts).filter(([, { length }]) => length > 0))
  const all = Object.values(together).every(({ length }) => length > 0) ? together : {}
  return Object.keys(some).length + Object.keys(all).length === 0
    ? Effect.succeed([])
    : records(sql, definition, Bulk.among(definition, { ...asking, texts: some, together: all }))
}

const Nothing = Schema.Struct({})

/** Names the tenant for the whole of a transaction, whose statements then need not. */
export const enter = (sql: PgClient.PgClient, tenant: string): Effect.Effect<void, SqlError> =>
  Effect.asVoid(run(sql, Nothing, Bulk.place(tenant)))

const Key = Schema.Struct({ key: Schema.String })

const unless = <A>(isEmpty: boolean, statement: () => Effect.Effect<A, SqlError>) =>
  isEmpty ? Effect.void : Effect.asVoid(statement())

/**
 * Writes drafts of one resource, the new ones first. A record that somebody else made meanwhile is left to them: what was
 * said of it comes again.
 */
export const write = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  { asker, now, tenant }: BulkContext,
  definition: Definition,
  drafts: ReadonlyArray<Draft>
) {
  const fresh = drafts.filter(({ before }) => before === null)
  const changed = drafts.filter((draft) => draft.before !== null && isChanged(draft))
  const rows = (some: ReadonlyArray<Draft>) => some.map(({ after }) => after)
  const execute = (statement: Sql) => run(sql, Nothing, statement)
  const made = fresh.length === 0 ? [] : yield* run(sql, Key, Bulk.insertAll(definition, rows(fresh)))
  const touched = new Set(changed.flatMap((draft) => draft.changed))
  const names = Object.keys(definition.attributes).filter((name) => touched.has(name))
  yield* unless(names.length === 0, () => execute(Bulk.updateAll(definition, names, rows(changed))))
  const isMade = new Set(made.map(({ key }) => key))
  const deeds = [...fresh.filter(({ key }) => isMade.has(key)), ...changed].flatMap((draft) => draft.deeds)
  const occasion = {
    tenant,
    actorId: asker.id,
    actorName: asker.name,
    requestId: asker.requestId,
    at: DateTime.formatIso(now)
  }
  yield* unless(deeds.length === 0, () => execute(Bulk.tellAll(deeds, occasion)))
  return { made: made.length, changed: changed.length }
})
