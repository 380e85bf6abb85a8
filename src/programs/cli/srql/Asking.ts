/** Asks the running core, and shows its answer: a table, lines over time, CSV, or the JSON as it came. */
import { Clock, Console, DateTime, type Duration, Effect, Option, Result } from "effect"
import type * as HttpClient from "effect/http/HttpClient"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import type { ManagementError } from "../../../layers/http/ManagementClient.ts"
import * as QueryClient from "../../../layers/queries/QueryClient.ts"
import * as Style from "../../../layers/terminal/Style.ts"
import * as Answer from "./Answer.ts"
import * as Buckets from "./Buckets.ts"
import * as Examine from "./Examine.ts"

export interface Asking {
  /** Core's HTTP address. */
  readonly base: string
  readonly query: string
  readonly limit: Option.Option<number>
  readonly cursor: Option.Option<string>
  readonly json: boolean
  readonly csv: boolean
  readonly costly: boolean
  readonly tenant: Option.Option<string>
}

const columnsOf = (stream: { readonly isTTY?: boolean; readonly columns?: number }): number =>
  stream.isTTY === true ? stream.columns ?? 80 : 400

/** What the query calls a bare count, which an answer does not say. */
const bareOf = ({ query, tenant }: Asking) =>
  Effect.map(
    Examine.examine(query, tenant),
    (own) => Result.isSuccess(own) && own.success.shape.kind === "count" ? own.success.shape.alias : undefined
  )

const show = Effect.fnUntraced(function*(body: string, asking: Asking) {
  const { csv, json } = asking
  if (json) return yield* Console.log(body)
  const answer = Answer.read(body, yield* bareOf(asking))
  if (Option.isNone(answer)) return yield* Console.log(body)
  const { nextCursor, rows, warnings } = answer.value
  yield* Effect.forEach(warnings, (warning) => Console.error(`warning: ${warning}`))
  if (csv) return yield* Effect.sync(() => process.stdout.write(Answer.csv(answer.value)))
  const style = Style.forStream(process.stdout, process.env)
  const columns = columnsOf(process.stdout)
  if (rows.length > 0) {
    yield* Console.log(
      Buckets.isOf(answer.value)
        ? Buckets.draw(answer.value, style, columns)
        : Answer.table(answer.value, style, columns)
    )
  }
  const more = nextCursor === null ? "" : `; more with --cursor ${nextCursor}`
  yield* Console.error(`${rows.length} ${rows.length === 1 ? "row" : "rows"}${more}`)
})

/** Once. */
export const ask = Effect.fnUntraced(function*(
  asking: Asking
): Effect.fn.Return<void, ManagementError | NegativeAnswer, HttpClient.HttpClient> {
  const { base, costly, cursor, json, limit, query, tenant } = asking
  const body = yield* QueryClient.ask(base, { query, limit, cursor, costly, tenant }).pipe(
    Effect.catchTag("QueryRefused", (refused) =>
      Effect.gen(function*() {
        // Where in the query is known here too.
        const own = yield* Examine.examine(query, tenant)
        const shown = Result.isFailure(own) ? Examine.marked(query, own.failure) : refused.message
        yield* Console.error(json ? JSON.stringify({ error: refused.message }) : shown)
        return yield* new NegativeAnswer({ answer: "the query is refused" })
      }))
  )
  yield* show(body, asking)
})

const clearScreen = "\u001b[2J\u001b[H"

/** Again and again, until its reader stops it. A core that is away is waited for; a query that is refused is not. */
export const watch = (asking: Asking, every: Duration.Duration) =>
  Effect.gen(function*() {
    if (process.stdout.isTTY === true) yield* Effect.sync(() => process.stdout.write(clearScreen))
    const at = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
    if (!asking.json && !asking.csv) yield* Console.log(`${asking.query}   ${at}`)
    yield* Effect.catchTag(ask(asking), "ManagementError", (error) => Console.error(error.message))
    yield* Effect.sleep(every)
  }).pipe(Effect.forever)
