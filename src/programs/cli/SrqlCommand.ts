/**
 * `serviceradar srql --explain QUERY` and `serviceradar srql --check FILE`: what a query asks of the database, and whether
 * every query of a file can be asked. Neither needs a database.
 *
 * A file has a query on each line; empty lines and lines that begin with `#` are none. Exit code 1 when one is refused.
 */
import { Clock, Console, Effect, FileSystem, Option, Result } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { queryCatalog } from "../../domain/queries/QueryCatalog.ts"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import { UsageError } from "../../layers/command/UsageError.ts"
import { check } from "../../services/srql/index.ts"

const examine = (text: string, tenant: Option.Option<string>) =>
  Effect.map(
    Clock.currentTimeMillis,
    (nowMillis) => check(text, queryCatalog, { tenant: Option.getOrNull(tenant), nowMillis })
  )

/** The query with a mark below what was refused. */
const marked = (text: string, { end, message, start }: SrqlError): string => {
  const line = text.replaceAll(/\s/g, " ")
  return `${line}\n${" ".repeat(start)}${"^".repeat(Math.max(1, end - start))}\n${message}`
}

const explain = Effect.fnUntraced(function*(text: string, tenant: Option.Option<string>, asJson: boolean) {
  const answer = yield* examine(text, tenant)
  if (Result.isFailure(answer)) {
    yield* Console.log(asJson ? JSON.stringify({ error: answer.failure.peerText }) : marked(text, answer.failure))
    return yield* new NegativeAnswer({ answer: "the query is refused" })
  }
  const { binds, entity, shape, sql, warnings } = answer.success
  if (asJson) return yield* Console.log(JSON.stringify({ entity, sql, params: binds, shape: shape.kind, warnings }))
  yield* Console.log([
    sql,
    ...binds.map(({ t, v }, at) => `  $${at + 1} ${t} ${JSON.stringify(v)}`),
    ...warnings.map((warning) => `warning: ${warning}`)
  ].join("\n"))
})

const checkFile = Effect.fnUntraced(function*(file: string, tenant: Option.Option<string>) {
  const files = yield* FileSystem.FileSystem
  const lines = (yield* files.readFileString(file)).split("\n")
  let [asked, refused] = [0, 0]
  for (const [at, line] of lines.entries()) {
    const text = line.trim()
    if (text === "" || text.startsWith("#")) continue
    asked += 1
    const answer = yield* examine(text, tenant)
    const column = 1 + line.length - line.trimStart().length
    if (Result.isFailure(answer)) {
      refused += 1
      yield* Console.log(`${file}:${at + 1}:${column + answer.failure.start}: error: ${answer.failure.message}`)
    } else {
      for (const warning of answer.success.warnings) {
        yield* Console.log(`${file}:${at + 1}:${column}: warning: ${warning}`)
      }
    }
  }
  yield* Console.log(`${asked} queries, ${refused} refused`)
  if (refused > 0) return yield* new NegativeAnswer({ answer: `${refused} of ${asked} queries are refused` })
})

export const srqlCommand = Command.make(
  "srql",
  {
    explain: Flag.String("explain").pipe(
      Flag.optional,
      Flag.withDescription("Show the statement and its binds for this query")
    ),
    check: Flag.String("check").pipe(
      Flag.optional,
      Flag.withDescription("Check every query of this file, one on a line")
    ),
    tenant: Flag.String("tenant").pipe(
      Flag.optional,
      Flag.withDescription("Whose rows; of all where there is one only")
    ),
    json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("One JSON object, for --explain"))
  },
  Effect.fnUntraced(function*({ check, explain: query, json, tenant }) {
    if (Option.isSome(query)) return yield* explain(query.value, tenant, json)
    if (Option.isSome(check)) return yield* checkFile(check.value, tenant)
    const detail = "srql needs --explain QUERY or --check FILE"
    yield* Console.error(detail)
    return yield* new UsageError({ detail })
  })
).pipe(Command.withDescription("Check queries, and show what they ask of the database"))
