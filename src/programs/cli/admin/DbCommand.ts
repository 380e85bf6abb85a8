/**
 * `serviceradar db`: how far the schema of a database is, what is missing, and the way forward and back.
 *
 *   status    each context's steps; exit code 1 when some are missing
 *   migrate   applies what is missing, or goes back with --to CONTEXT@VERSION
 *   check     compares the declared resources with the tables; exit code 1 when they differ
 */
import { Console, DateTime, Effect, Option, Schema } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import { PgConnection } from "../../../layers/postgres/connection/PgConnection.ts"
import * as SqlFailure from "../../../layers/postgres/connection/SqlFailure.ts"
import * as MigrationRunner from "../../../layers/postgres/migrations/MigrationRunner.ts"
import type { Migrations } from "../../../layers/postgres/migrations/Migrations.ts"
import { differences, migrations } from "../../core/ControlPlane.ts"
import * as AdminConnection from "./AdminConnection.ts"

/** In the words of the database. */
class DatabaseRefused extends Schema.TaggedError<DatabaseRefused>()("DatabaseRefused", { detail: Schema.String }) {
  override get message(): string {
    return `the database refused: ${this.detail}`
  }
}

const withClient = <A, E, R>(work: Effect.Effect<A, E, R | SqlClient.SqlClient>) =>
  PgConnection.use(({ client }) => client).pipe(
    Effect.flatMap((sql) => Effect.provideService(work, SqlClient.SqlClient, sql)),
    Effect.mapError((error) => isSqlError(error) ? new DatabaseRefused({ detail: SqlFailure.detail(error) }) : error)
  )

const lines = (of: Migrations, { applied, pending, unknown }: MigrationRunner.Standing): ReadonlyArray<string> => [
  `${of.context}`,
  ...applied.filter((step) => !unknown.includes(MigrationRunner.stepName(step))).map(({ at, id, name }) =>
    `  ${String(id).padStart(4, "0")}_${name}  applied ${DateTime.formatIso(at)}`
  ),
  ...pending.map((step) => `  ${step}  missing`),
  ...unknown.map((step) => `  ${step}  unknown: of a newer version`)
]

const status = Command.make("status", AdminConnection.flags, (options) =>
  AdminConnection.withDatabase(
    options,
    [],
    withClient(Effect.gen(function*() {
      const all = yield* Effect.forEach(migrations, (of) =>
        Effect.map(MigrationRunner.standing(of), (standing) => ({ of, standing })))
      yield* Console.log(
        all.flatMap(({ of, standing }) =>
          lines(of, standing)
        ).join("\n")
      )
      const isCurrent = all.every(({ standing }) => standing.pending.length + standing.unknown.length === 0)
      if (!isCurrent) return yield* new NegativeAnswer({ answer: "the schema is of another version" })
    }))
  )).pipe(Command.withDescription("Show which changes of the schema were applied, and which are missing"))

class NoSuchVersion extends Schema.TaggedError<NoSuchVersion>()("NoSuchVersion", { given: Schema.String }) {
  override get message(): string {
    const contexts = migrations.map(({ context }) => context).join(", ")
    return `--to is ${JSON.stringify(this.given)}, expected CONTEXT@VERSION, such as core@3, with one of ${contexts}`
  }
}

const targetOf = (text: string) => {
  const [, context = "", version = ""] = /^([a-z-]+)@(\d{1,4})$/.exec(text) ?? []
  return Option.map(
    Option.fromUndefinedOr(migrations.find((one) => one.context === context)),
    (of) => ({ of, version: Number(version) })
  )
}

const forward = Effect.forEach(
  migrations,
  (of) => Effect.map(MigrationRunner.migrate(of), (done) => done.map((step) => `applied ${of.context} ${step}`))
)

const back = Effect.fnUntraced(function*(text: string) {
  const target = targetOf(text)
  if (Option.isNone(target)) return yield* new NoSuchVersion({ given: text })
  const { of, version } = target.value
  return [(yield* MigrationRunner.revert(of, version)).map((step) => `went back before ${of.context} ${step}`)]
})

const migrate = Command.make("migrate", {
  to: Flag.String("to").pipe(
    Flag.optional,
    Flag.withMetavar("CONTEXT@VERSION"),
    Flag.withDescription(
      "Go back: undo what is newer in this context, the newest first; 0 undoes all and loses its rows"
    )
  ),
  ...AdminConnection.flags
}, (options) =>
  AdminConnection.withDatabase(
    options,
    [],
    withClient(
      Effect.flatMap(Option.match(options.to, { onNone: () => forward, onSome: back }), (done) =>
        Console.log(done.flat().length === 0 ? "nothing to do" : done.flat().join("\n")))
    )
  )).pipe(Command.withDescription("Bring the schema up to date, or back"))

const check = Command.make("check", AdminConnection.flags, (options) =>
  AdminConnection.withDatabase(
    options,
    [],
    withClient(Effect.gen(function*() {
      const found = yield* differences
      yield* Console.log(
        found.length === 0 ? "the tables are as the resources declare them" : found.join("\n")
      )
      if (found.length > 0) return yield* new NegativeAnswer({ answer: "the schema differs" })
    }))
  )).pipe(Command.withDescription("Compare the tables with what the resources declare"))

export const dbCommand = Command.make("db").pipe(
  Command.withDescription("Look at core's database schema and change it"),
  Command.withSubcommands([status, migrate, check])
)
