/** `serviceradar dlq list`: what is there, oldest first. An empty list is an answer too: exit code 0. */
import { Clock, Console, Effect, Option, Stream } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DeadLetterText from "../../layers/terminal/DeadLetterText.ts"
import * as Style from "../../layers/terminal/Style.ts"
import { DeadLetters } from "../../services/events/DeadLetters.ts"
import * as DlqConnection from "./DlqConnection.ts"
import * as DlqFlags from "./DlqFlags.ts"

const tableRowsDefault = 100

interface Options extends DlqFlags.FilterFlags {
  readonly limit: Option.Option<number>
}

const printJson = Effect.fnUntraced(function*(options: Options) {
  const letters = yield* DeadLetters
  const found = letters.list(yield* DlqFlags.filterOf(options))
  const wanted = Option.match(options.limit, { onNone: () => found, onSome: (limit) => Stream.take(found, limit) })
  yield* Stream.runForEach(wanted, (letter) => Console.log(JSON.stringify(DeadLetterText.summaryJson(letter))))
})

const footer = Effect.fnUntraced(function*(options: Options, shown: number, isMore: boolean) {
  if (!isMore) return `${shown} dead letter${shown === 1 ? "" : "s"}${DlqFlags.isFiltered(options) ? " match" : ""}`
  const letters = yield* DeadLetters
  const total = (yield* letters.counts).values().reduce((sum, count) => sum + count, 0)
  const of = DlqFlags.isFiltered(options) ? "that match" : `of ${total.toLocaleString("en-US")}`
  return `the oldest ${shown} ${of}: --limit N shows more`
})

const printTable = Effect.fnUntraced(function*(options: Options) {
  const letters = yield* DeadLetters
  const limit = Option.getOrElse(options.limit, () => tableRowsDefault)
  // One more than is shown, to see whether there are more.
  const found = yield* letters.list(yield* DlqFlags.filterOf(options)).pipe(Stream.take(limit + 1), Stream.runCollect)
  const shown = found.slice(0, limit)
  const style = Style.forStream(process.stdout, process.env)
  if (shown.length > 0) {
    const nowMillis = yield* Clock.currentTimeMillis
    const columns = process.stdout.isTTY === true ? process.stdout.columns : Number.POSITIVE_INFINITY
    yield* Console.log(DeadLetterText.table(shown, { style, nowMillis, columns }).join("\n"))
  }
  yield* Console.error(style.dim(yield* footer(options, shown.length, found.length > limit)))
})

export const listCommand = Command.make("list", {
  ...DlqFlags.filterFlags,
  limit: DlqFlags.limitFlag.pipe(
    Flag.withDescription(`At most so many; without it ${tableRowsDefault} in the table, all of them as JSON`)
  ),
  json: DlqFlags.jsonFlag.pipe(Flag.withDescription("Print a line of JSON for each")),
  ...DlqConnection.flags
}, (options) =>
  (options.json ? printJson(options) : printTable(options)).pipe(
    DlqConnection.provide(options)
  )).pipe(
    Command.withDescription("List dead letters, oldest first"),
    Command.withExamples([
      { command: "serviceradar dlq list", description: "What the writer of the running `serviceradar up` set aside" },
      {
        command: "serviceradar dlq list --stream LOGS --since 2h --error timestamp",
        description: "Logs that could not be read within the last two hours"
      },
      {
        command: "serviceradar dlq list --json | jq -r .error | sort | uniq -c",
        description: "Which errors, how often"
      }
    ])
  )
