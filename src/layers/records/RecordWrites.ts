/** Writes of records, see `Records`. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Data, DateTime, Effect, Option } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as crypto from "node:crypto"
import * as Constraints from "../../domain/records/Constraints.ts"
import type { Stored } from "../../domain/records/Record.ts"
import * as Statements from "../../domain/records/Statements.ts"
import {
  Changed,
  Conflict,
  Forbidden,
  Invalid,
  type InvalidTransition,
  NotFound,
  Referenced
} from "../../domain/resource/ActionError.ts"
import { perform } from "../../domain/resource/Perform.ts"
import * as Policies from "../../domain/resource/Policies.ts"
import type { Denying, WriteError, Writing } from "../../services/records/Records.ts"
import * as SqlFailure from "../postgres/connection/SqlFailure.ts"
import { type Database, failure, keyOf, type Place, placeOf, records, run, Total } from "./RecordTransactions.ts"

/** What a unique or a foreign key says of the input. */
const broken = ({ action, definition }: Writing, error: SqlError): Conflict | Invalid | Referenced | undefined => {
  const about = { resource: definition.name, action }
  if (definition.actions[action]?.kind === "destroy" && SqlFailure.isOfReference(error)) return new Referenced(about)
  const constraint = SqlFailure.constraint(error)
  if (constraint === undefined) return undefined
  const clash = Constraints.clashOf(definition, constraint)
  if (clash !== undefined) return new Conflict({ ...about, ...clash })
  if (Constraints.isLimit(definition, constraint)) {
    const detail = `the tenant has as many ${definition.collection} as it may have`
    return new Invalid({ ...about, problems: [{ field: "", code: "invalid", detail }] })
  }
  const wrong = (field: string | undefined, detail: string) =>
    field === undefined ? undefined : new Invalid({ ...about, problems: [{ field, code: "invalid", detail }] })
  return wrong(Constraints.referenceOf(definition, constraint), "refers to nothing that is there") ??
    wrong(Constraints.circleOf(definition, constraint), `is the ${definition.name} itself, or below it`)
}

const deedOf = <About>(
  { action, asker, definition }: Pick<Writing, "action" | "asker"> & { readonly definition: About },
  at: DateTime.Utc,
  { setting, tenant }: Place
): Statements.Deed<About> => ({
  definition,
  setting,
  action,
  tenant,
  actorId: asker.id,
  actorName: asker.name,
  requestId: asker.requestId,
  at
})

/** A denial about a record that whoever asks may not read either: to them it is not there, and the audit has the denial. */
class Unseen extends Data.TaggedError("Unseen")<{ readonly denial: Forbidden; readonly missing: NotFound }> {}

const change = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  writing: Writing,
  now: DateTime.Utc,
  place: Place
): Effect.fn.Return<
  Stored | null,
  SqlError | NotFound | Forbidden | Unseen | Invalid | InvalidTransition | Changed
> {
  const { action: name, asker: { actor }, definition, input, key = "", versions } = writing
  const about = { resource: definition.name, action: name }
  const action = definition.actions[name]
  if (action === undefined || action.kind === "read") {
    return yield* Effect.die(new Error(`${name} is no action that changes a ${definition.name}`))
  }
  // Whatever policies allow: what was shown is for reading.
  if (actor["scope"] === "read") return yield* new Forbidden(about)
  const one = action.kind === "create"
    ? undefined
    : Option.getOrUndefined(Option.map(keyOf(definition, key), (key) => ({ key, tenant: place.tenant })))
  const [before] = one === undefined
    ? []
    : yield* records(sql, definition, Statements.locked(definition, one, place.setting))
  const isInSight = before !== undefined &&
    Policies.isInSight(definition, before.values, { actor, arguments: {}, now })
  if (action.kind !== "create" && !isInSight) return yield* new NotFound({ ...about, key })
  const occasion = { actor, now, uuid: () => crypto.randomUUID() }
  const after = yield* Effect.fromResult(
    perform(definition, name, action, input, before?.values ?? null, occasion)
  ).pipe(
    Effect.catchTag("Forbidden", (denial) =>
      Effect.fail(
        before === undefined || Policies.isReadable(definition, before.values, { actor, arguments: {}, now })
          ? denial
          : new Unseen({ denial, missing: new NotFound({ ...about, key }) })
      ))
  )
  if (versions !== undefined && before !== undefined && !versions.includes(before.version)) {
    return yield* new Changed({ ...about, key, expected: versions.join(", "), version: before.version })
  }
  const deed = deedOf(writing, now, place)
  const statement = before === undefined || one === undefined
    ? Statements.insert(deed, after ?? {})
    : after === null
    ? Statements.destroy(deed, one, before.values)
    : Statements.update(deed, one, before.values, after)
  const [written] = yield* records(sql, definition, statement)
  return after === null ? null : written ?? null
})

const denied = (
  database: Database,
  writing: Writing | Denying,
  now: DateTime.Utc,
  place: Place,
  reason: string
) => {
  const entry = { key: writing.key ?? "", outcome: "denied", reason, changes: "{}" } as const
  return database.use((sql) =>
    run(sql, Total, Statements.audited(deedOf<Denying["definition"]>(writing, now, place), entry))
  )
    .pipe(
      Effect.catch((error) => Effect.logWarning(`A denial could not be audited: ${error.message}`)),
      Effect.asVoid
    )
}

export const deny = (database: Database) => (denying: Denying): Effect.Effect<void> =>
  Effect.flatMap(
    DateTime.now,
    (now) => denied(database, denying, now, placeOf(denying.definition, denying.asker, now), denying.reason)
  )

export const make = (database: Database) => (writing: Writing): Effect.Effect<Stored | null, WriteError> =>
  Effect.gen(function*() {
    const now = yield* DateTime.now
    const place = placeOf(writing.definition, writing.asker, now)
    // What is made needs no look at what was before: one statement, which is a transaction by itself.
    const isCreate = writing.definition.actions[writing.action]?.kind === "create"
    const changing = isCreate ? database.use : database.transaction
    return yield* changing((sql) => change(sql, writing, now, place)).pipe(
      Effect.catchTag("SqlError", (error) => Effect.fail(broken(writing, error) ?? failure(writing)(error))),
      Effect.tapErrorTag("Forbidden", ({ message }) => denied(database, writing, now, place, message)),
      Effect.tapErrorTag("Unseen", ({ denial }) => denied(database, writing, now, place, denial.message)),
      Effect.catchTag("Unseen", ({ missing }) => Effect.fail(missing))
    )
  })
