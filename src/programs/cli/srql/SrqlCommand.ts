/**
 * `serviceradar srql QUERY` asks the running core; without a query a terminal gets a prompt, and of a pipe each line is asked: exit
 * code 1 when one is not answered. `--explain QUERY` shows what a query asks of the database, and `--check FILE` whether every query of a file can be asked; these two need no core.
 *
 * A file has a query on each line; empty lines and lines that begin with `#` are none. Exit code 1 when one is refused.
 */
import { Console, Duration, Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import { UsageError } from "../../../layers/command/UsageError.ts"
import * as RunningCore from "../RunningCore.ts"
import * as Asking from "./Asking.ts"
import * as Examine from "./Examine.ts"
import * as Prompt from "./Prompt.ts"

const refused = (detail: string): Effect.Effect<never, UsageError> =>
  Effect.andThen(Console.error(detail), Effect.fail(new UsageError({ detail })))

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
      Flag.withDescription("Whose rows, by the tenant's short name; otherwise those of all")
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
    csv: Flag.Boolean("csv").pipe(Flag.withDefault(false), Flag.withDescription("Rows as CSV")),
    costly: Flag.Boolean("costly").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Also what core estimates to cost more than its limit; for operators")
    ),
    watch: Flag.Int("watch").pipe(
      Flag.filter((seconds) => seconds > 0, (seconds) => `a whole number of seconds above 0, got ${seconds}`),
      Flag.optional,
      Flag.withDescription("Ask again every so many seconds, until it is stopped")
    ),
    prompt: Flag.Boolean("prompt").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Take queries from standard input, a line each, and succeed whatever is answered")
    )
  },
  Effect.fnUntraced(function*({ check, dir, explain, prompt, query, tenant, url, watch, ...asking }) {
    const { csv, json } = asking
    if (csv && json) return yield* refused("--csv and --json are two ways to write one answer: give one of them")
    if (Option.isSome(explain)) return yield* Examine.explain(explain.value, tenant, json)
    if (Option.isSome(check)) return yield* Examine.checkFile(check.value, tenant)
    const base = yield* RunningCore.address(url, dir)
    if (Option.isSome(query)) {
      const asked = { ...asking, tenant, base, query: query.value }
      return yield* Option.match(watch, {
        onNone: () => Asking.ask(asked),
        onSome: (seconds) => Asking.watch(asked, Duration.seconds(seconds))
      })
    }
    if (Option.isSome(watch)) return yield* refused("--watch needs a query to ask again")
    const done = yield* Prompt.run({ ...asking, tenant, base })
    if (prompt || process.stdin.isTTY === true) return
    if (done.asked === 0) {
      return yield* refused(
        "srql needs a query: as an argument, on standard input, with --explain or in the file of --check"
      )
    }
    if (done.failed > 0) {
      const answer = `${done.failed} of ${done.asked} queries are not answered`
      if (done.asked > 1) yield* Console.error(answer)
      return yield* new NegativeAnswer({ answer })
    }
  }, (effect) => Effect.scoped(Effect.provide(effect, FetchHttpClient.layer)))
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
    {
      command: "serviceradar srql --watch 5 'in:cpu time:last_1h bucket:1m series:host_id'",
      description: "The load over time, again every 5 s"
    },
    { command: "serviceradar srql", description: "A prompt with completion and history" },
    { command: "serviceradar srql --explain 'in:devices ip:10.0.0.0/8'", description: "The statement and its binds" }
  ])
)
