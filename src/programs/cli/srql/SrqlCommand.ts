/**
 * `serviceradar srql QUERY` asks the running core; `--explain QUERY` shows what a query asks of the database, and
 * `--check FILE` whether every query of a file can be asked. The latter two need no core.
 *
 * A file has a query on each line; empty lines and lines that begin with `#` are none. Exit code 1 when one is refused.
 */
import { Clock, Console, Effect, FileSystem, Option, Result } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { queryCatalog } from "../../../domain/queries/QueryCatalog.ts"
import type { SrqlError } from "../../../domain/srql/language/SrqlError.ts"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import { UsageError } from "../../../layers/command/UsageError.ts"
import * as QueryClient from "../../../layers/queries/QueryClient.ts"
import * as Style from "../../../layers/terminal/Style.ts"
import { check } from "../../../services/srql/index.ts"
import * as RunningCore from "../RunningCore.ts"
import * as Answer from "./Answer.ts"

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

interface Asking {
  readonly query: string
  readonly limit: Option.Option<number>
  readonly cursor: Option.Option<string>
  readonly url: Option.Option<string>
  readonly dir: string
  readonly json: boolean
  readonly csv: boolean
}

const ask = Effect.fnUntraced(function*({ csv, cursor, dir, json, limit, query, url }: Asking) {
  const base = yield* RunningCore.address(url, dir)
  const body = yield* QueryClient.ask(base, { query, limit, cursor }).pipe(
    Effect.catchTag("QueryRefused", (refused) =>
      Effect.gen(function*() {
        // Where in the query is known here too.
        const own = yield* examine(query, Option.none())
        const shown = Result.isFailure(own) ? marked(query, own.failure) : refused.message
        yield* Console.error(json ? JSON.stringify({ error: refused.message }) : shown)
        return yield* new NegativeAnswer({ answer: "the query is refused" })
      })),
    Effect.provide(FetchHttpClient.layer)
  )
  if (json) return yield* Console.log(body)
  const answer = Answer.read(body)
  if (Option.isNone(answer)) return yield* Console.log(body)
  const { nextCursor, rows, warnings } = answer.value
  yield* Effect.forEach(warnings, (warning) => Console.error(`warning: ${warning}`))
  if (csv) return yield* Effect.sync(() => process.stdout.write(Answer.csv(answer.value)))
  const style = Style.forStream(process.stdout, process.env)
  if (rows.length > 0) {
    yield* Console.log(Answer.table(answer.value, style, process.stdout.isTTY === true ? process.stdout.columns : 400))
  }
  const more = nextCursor === null ? "" : `; more with --cursor ${nextCursor}`
  yield* Console.error(`${rows.length} ${rows.length === 1 ? "row" : "rows"}${more}`)
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
    query: Argument.String("query").pipe(
      Argument.optional,
      Argument.withDescription("What to ask the running core: 'in:logs severity_text:ERROR time:last_1h'")
    ),
    limit: Flag.Int("limit").pipe(
      Flag.filter((rows) => rows > 0, (rows) => `a whole number above 0, got ${rows}`),
      Flag.optional,
      Flag.withDescription("How many rows; wins over the query's own, else 100")
    ),
    cursor: Flag.String("cursor").pipe(Flag.optional, Flag.withDescription("Where an earlier answer said it goes on")),
    url: Flag.String("url").pipe(
      Flag.optional,
      Flag.withDescription(`Core's HTTP address; by default that of the running up, else ${RunningCore.defaultUrl}`)
    ),
    dir: RunningCore.dir,
    json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("One JSON document")),
    csv: Flag.Boolean("csv").pipe(Flag.withDefault(false), Flag.withDescription("Rows as CSV"))
  },
  Effect.fnUntraced(function*({ check, explain: explained, query, tenant, ...asking }) {
    const { json } = asking
    if (Option.isSome(explained)) return yield* explain(explained.value, tenant, json)
    if (Option.isSome(check)) return yield* checkFile(check.value, tenant)
    if (Option.isSome(query)) return yield* ask({ ...asking, query: query.value })
    const detail = "srql needs a query, --explain QUERY or --check FILE"
    yield* Console.error(detail)
    return yield* new UsageError({ detail })
  })
).pipe(
  Command.withDescription("Ask the running core in SRQL, check queries, and show what they ask of the database"),
  Command.withExamples([
    {
      command: "serviceradar srql 'in:logs time:last_1h sort:timestamp:desc limit:20'",
      description: "The latest logs"
    },
    {
      command: "serviceradar srql 'in:logs time:last_24h stats:\"count() as n by severity\"'",
      description: "How many of each severity"
    },
    { command: "serviceradar srql --csv --limit 1000 'in:traces time:last_1h'", description: "For a spreadsheet" },
    { command: "serviceradar srql --explain 'in:devices ip:10.0.0.0/8'", description: "The statement and its binds" }
  ])
)
